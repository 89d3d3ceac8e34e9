// SPDX-License-Identifier: Apache-2.0
// passwd(1) of a mounted system in a test: notes for whom it was called, or ends as
// at Ctrl-C where the test wants that.
#include <unistd.h>

#include <csignal>
#include <cstdio>

int main(int count, char** words) {
  if (access("/interrupted", F_OK) == 0) return std::raise(SIGINT);
  std::FILE* file = count == 2 ? std::fopen("/given", "w") : nullptr;
  if (file == nullptr) return 1;
  std::fputs(words[1], file);
  return std::fclose(file) == 0 ? 0 : 1;
}
