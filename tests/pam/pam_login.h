// SPDX-License-Identifier: Apache-2.0
// A login through the real libpam, with a private service folder and a scripted person.
#pragma once

#include <security/pam_appl.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/fake_daemon.h"

namespace sparekey {

class PamServices {
 public:
  // One service, "test": one line after the other. $sparekey and $first stand for the modules.
  explicit PamServices(const std::string& lines) { Write("test", lines); }
  void Write(const std::string& service, std::string lines);
  const std::string& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

struct Said {
  int style;
  std::string text;
};

class PamLogin {
 public:
  PamLogin(const std::string& folder, const std::string& user, const std::string& service = "test");
  ~PamLogin();
  PamLogin(const PamLogin&) = delete;
  PamLogin& operator=(const PamLogin&) = delete;

  PamLogin& Answers(std::deque<std::optional<std::string>> answers);  // nothing: aborts
  // Who answers what is asked when the list is at its end.
  using Person = std::function<std::optional<std::string>(const std::string& prompt)>;
  PamLogin& AnsweredBy(Person person);
  PamLogin& Item(int item, const std::string& text);
  PamLogin& Environment(const std::string& assignment);

  int Authenticate(int flags = 0) { return pam_authenticate(handle_, flags); }
  int Account(int flags = 0) { return pam_acct_mgmt(handle_, flags); }
  int OpenSession() { return pam_open_session(handle_, 0); }
  int CloseSession() { return pam_close_session(handle_, 0); }

  pam_handle_t* handle() { return handle_; }
  const std::vector<Said>& said() const { return said_; }
  std::vector<std::string> Prompts() const;  // what was asked for, in turn
  std::string Texts() const;                 // all that was only told

 private:
  static int Converse(int count, const pam_message** messages, pam_response** responses,
                      void* self);

  pam_handle_t* handle_ = nullptr;
  std::optional<std::string> NextAnswer(const std::string& prompt);

  std::deque<std::optional<std::string>> answers_;
  Person person_;
  std::vector<Said> said_;
};

}  // namespace sparekey
