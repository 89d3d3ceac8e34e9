// SPDX-License-Identifier: Apache-2.0
// passwd(1) of a mounted system in a test: notes for whom it was called.
#include <cstdio>

int main(int count, char** words) {
  std::FILE* file = count == 2 ? std::fopen("/given", "w") : nullptr;
  if (file == nullptr) return 1;
  std::fputs(words[1], file);
  return std::fclose(file) == 0 ? 0 : 1;
}
