# SPDX-License-Identifier: Apache-2.0
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                    -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wformat=2)
if(SPAREKEY_WARNINGS_AS_ERRORS)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these in the standard library's own inlined code.
  add_compile_options(-Wno-null-dereference -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(SPAREKEY_SANITIZE)
  add_compile_options(-fsanitize=${SPAREKEY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SPAREKEY_SANITIZE})
  if(SPAREKEY_FUZZ)
    # Coverage for libFuzzer; other programs of the same build carry it along.
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
  endif()
else()
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2> -fstack-protector-strong)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
if(SPAREKEY_COVERAGE)
  # Threads count too; paths are absolute, so that a program may run anywhere.
  add_compile_options(--coverage -fprofile-update=atomic -fprofile-abs-path)
  add_link_options(--coverage)
endif()
