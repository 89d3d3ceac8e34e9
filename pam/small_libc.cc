// SPDX-License-Identifier: Apache-2.0
// Plain forms of what the module uses of libc, and what few logins need of libc and libpam. Every
// login looks up each symbol that the module takes from another library, in all libraries of the
// program one after the other (some 1,000 instructions each): these take two for all. Compiled
// without the headers that declare them, whose fortified forms they are beneath, and without the
// compiler's knowledge of them.
#include <stddef.h>
#include <sys/syscall.h>

#define SMALL_LIBC extern "C" __attribute__((visibility("hidden"), used))

// NOLINTBEGIN: libc's names and forms

// ---- memory and text

SMALL_LIBC void* memcpy(void* __restrict to, const void* __restrict from, size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  for (size_t i = 0; i < size; ++i) out[i] = in[i];
  return to;
}

SMALL_LIBC void* memmove(void* to, const void* from, size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  if (out < in) {
    for (size_t i = 0; i < size; ++i) out[i] = in[i];
  } else {
    for (size_t i = size; i > 0; --i) out[i - 1] = in[i - 1];
  }
  return to;
}

SMALL_LIBC void* memset(void* to, int value, size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(value);
  return to;
}

SMALL_LIBC int memcmp(const void* a, const void* b, size_t size) {
  const auto* left = static_cast<const unsigned char*>(a);
  const auto* right = static_cast<const unsigned char*>(b);
  for (size_t i = 0; i < size; ++i) {
    if (left[i] != right[i]) return left[i] - right[i];
  }
  return 0;
}

SMALL_LIBC void* memchr(const void* text, int value, size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(text);
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(bytes + i);
  }
  return nullptr;
}

SMALL_LIBC size_t strlen(const char* text) {
  size_t size = 0;
  while (text[size] != '\0') ++size;
  return size;
}

SMALL_LIBC int strcmp(const char* a, const char* b) {
  for (; *a != '\0' && *a == *b; ++a, ++b) {
  }
  return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
}

// Nobody reads what was there afterwards, and it is overwritten all the same.
SMALL_LIBC void __explicit_bzero_chk(void* bytes, size_t size, size_t) {
  memset(bytes, 0, size);
  __asm__ volatile("" : : "r"(bytes) : "memory");
}

SMALL_LIBC void explicit_bzero(void* bytes, size_t size) {
  __explicit_bzero_chk(bytes, size, size);
}

SMALL_LIBC [[noreturn]] void abort() { __builtin_trap(); }

SMALL_LIBC [[noreturn]] void __stack_chk_fail() { __builtin_trap(); }

// ---- system calls

#if !defined(__x86_64__) || !defined(__LP64__)
#error "the kernel's times and files may have other forms than libc's"
#endif

extern "C" long syscall(long number, ...) noexcept;  // sets errno

SMALL_LIBC int close(int fd) { return static_cast<int>(syscall(SYS_close, fd)); }

SMALL_LIBC int connect(int fd, const void* address, unsigned int size) {
  return static_cast<int>(syscall(SYS_connect, fd, address, size));
}

SMALL_LIBC int fstatat(int folder, const char* path, void* status, int flags) {
  return static_cast<int>(syscall(SYS_newfstatat, folder, path, status, flags));
}

SMALL_LIBC unsigned int geteuid() { return static_cast<unsigned int>(syscall(SYS_geteuid)); }

SMALL_LIBC int getpid() { return static_cast<int>(syscall(SYS_getpid)); }

SMALL_LIBC int getsockopt(int fd, int level, int option, void* value, unsigned int* size) {
  return static_cast<int>(syscall(SYS_getsockopt, fd, level, option, value, size));
}

// To read only: no mode.
SMALL_LIBC int open(const char* path, int flags, ...) {
  constexpr int kHere = -100;  // AT_FDCWD
  return static_cast<int>(syscall(SYS_openat, kHere, path, flags, 0));
}

SMALL_LIBC int poll(void* waits, unsigned long count, int milliseconds) {
  return static_cast<int>(syscall(SYS_poll, waits, count, milliseconds));
}

SMALL_LIBC long read(int fd, void* to, size_t size) { return syscall(SYS_read, fd, to, size); }

SMALL_LIBC long readlink(const char* path, char* to, size_t size) {
  constexpr int kHere = -100;  // AT_FDCWD
  return syscall(SYS_readlinkat, kHere, path, to, size);
}

SMALL_LIBC long recv(int fd, void* to, size_t size, int flags) {
  return syscall(SYS_recvfrom, fd, to, size, flags, nullptr, nullptr);
}

SMALL_LIBC long sendmsg(int fd, const void* message, int flags) {
  return syscall(SYS_sendmsg, fd, message, flags);
}

SMALL_LIBC int setsockopt(int fd, int level, int option, const void* value, unsigned int size) {
  return static_cast<int>(syscall(SYS_setsockopt, fd, level, option, value, size));
}

SMALL_LIBC int socket(int family, int type, int protocol) {
  return static_cast<int>(syscall(SYS_socket, family, type, protocol));
}

// ---- what few logins need, for which the loader is asked by those that do

extern "C" void* dlsym(void* library, const char* name) noexcept;

// Null is RTLD_DEFAULT: the program's libraries, and those that the module was loaded with.
#define LOOK_UP(name) reinterpret_cast<decltype(&name)>(dlsym(nullptr, #name))

SMALL_LIBC int fnmatch(const char* pattern, const char* text, int flags) {
  constexpr int kNoMatch = 1;
  auto* const theirs = LOOK_UP(fnmatch);
  return theirs == nullptr ? kNoMatch : theirs(pattern, text, flags);
}

SMALL_LIBC int scandir(const char* folder, void* entries, void* filter, void* order) {
  auto* const theirs = LOOK_UP(scandir);
  return theirs == nullptr ? -1 : theirs(folder, entries, filter, order);
}

SMALL_LIBC const char* strerrordesc_np(int error) {
  auto* const theirs = LOOK_UP(strerrordesc_np);
  return theirs == nullptr ? nullptr : theirs(error);
}

SMALL_LIBC int pam_set_item(void* pamh, int item, const void* value) {
  constexpr int kSystemError = 4;  // PAM_SYSTEM_ERR
  auto* const theirs = LOOK_UP(pam_set_item);
  return theirs == nullptr ? kSystemError : theirs(pamh, item, value);
}

extern "C" void pam_vsyslog(const void* pamh, int priority, const char* format,
                            __builtin_va_list arguments);

SMALL_LIBC void pam_syslog(const void* pamh, int priority, const char* format, ...) {
  auto* const theirs = LOOK_UP(pam_vsyslog);
  if (theirs == nullptr) return;
  __builtin_va_list arguments;
  __builtin_va_start(arguments, format);
  theirs(pamh, priority, format, arguments);
  __builtin_va_end(arguments);
}

// NOLINTEND
