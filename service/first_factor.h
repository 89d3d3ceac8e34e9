// SPDX-License-Identifier: Apache-2.0
// Checks an account's password with PAM, in a short-lived child of its own: PAM's modules never run
// in the process that has the key and the store.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "service/directory.h"

namespace sparekey {

class FirstFactor {
 public:
  // true: password and account are good. false: PAM says no. An error: nobody could tell.
  using Checked = std::function<void(Result<bool> proven)>;
  virtual ~FirstFactor() = default;
  // Called on the server's thread; calls `checked` there, later and once. Not called any more once
  // the object has ended.
  virtual void Check(std::string name, SecretBytes password, Checked checked) = 0;
};

struct FirstFactorChild {
  std::vector<std::string> command;  // an absolute path first
  std::chrono::milliseconds deadline{10'000};
  std::size_t at_once = 4;  // more hear kBusy
};

// The child has an empty environment but PATH, a session of its own, and no descriptor but a pipe
// each way and /dev/null; name and password go through the pipe (service/first_factor_child.h).
// Past the deadline it is killed with its whole process group.
std::unique_ptr<FirstFactor> MakePamFirstFactor(ServerThread server, FirstFactorChild child);

// The program that was installed with this one, or in a build folder the one beside it.
std::string FindFirstFactorProgram();

}  // namespace sparekey
