// SPDX-License-Identifier: Apache-2.0
#include "pam/login.h"

#include <syslog.h>

#include <algorithm>
#include <utility>

#include "core/utf8.h"
#include "pam/conversation.h"
#include "pam/link.h"
#include "pam/proof.h"
#include "pam/text.h"

namespace sparekey::pam {
namespace {

using std::string_view_literals::operator""sv;  // for words whose length is known

constexpr int kMaxRounds = 8;
constexpr std::size_t kMaxAnswer = 256;
constexpr std::string_view kCode = "code";
constexpr std::string_view kPublicKey = "publickey";
constexpr std::string_view kNoFirstFactor = "none";

// The code that goes with the first message, where an option says so.
struct FirstAnswer {
  std::optional<SecretBytes> code;
  bool is_attempt = true;  // false: what was entered cannot be a code
};

struct Combined {
  SecretBytes password, code;
};

// "PASSWORD123456": the last digits are the code. Nothing where they are none, or all there is.
std::optional<Combined> Split(const SecretBytes& line, std::size_t digits) {
  const auto text = line.ExposeText();
  if (text.size() <= digits) return std::nullopt;
  const auto code = text.substr(text.size() - digits);
  if (!std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return Combined{SecretBytes(text.substr(0, text.size() - digits)), SecretBytes(code)};
}

SecretBytes ReadPassword(pam_handle_t* pamh) {
  const void* text = nullptr;
  if (pam_get_item(pamh, PAM_AUTHTOK, &text) != PAM_SUCCESS || text == nullptr) return {};
  return SecretBytes(std::string_view(static_cast<const char*>(text)));
}

class Login {
 public:
  Login(pam_handle_t* pamh, bool silent, const Options& options, std::string account)
      : pamh_(pamh),
        options_(options),
        conversation_(pamh, silent),
        link_(pamh, options),
        account_(std::move(account)),
        password_(ReadPassword(pamh)),
        first_factor_(FindFirstFactor()) {}

  int Run();

 private:
  std::string_view FindFirstFactor() const;
  Result<FirstAnswer> AskFirst();
  Result<FirstAnswer> AskCombined();
  FirstAnswer TakeCombined(const SecretBytes& line);
  bool IsAttempt(const SecretBytes& answer) const;
  Result<LoginReply> Begin(const FirstAnswer& first);
  Result<LoginReply> Answer(const LoginReply& reply);
  std::string PromptFor(const Question& question) const;

  bool HasKey() const { return first_factor_ == kPublicKey; }
  bool AsksTooEarly() const;
  int RefuseToAsk() const;
  int Conclude(const LoginReply& reply) const;
  int NotAnAttempt() const;
  int CannotDecide(const Error& error) const;

  pam_handle_t* const pamh_;
  const Options& options_;
  const Conversation conversation_;
  Link link_;
  const std::string account_;
  const SecretBytes password_;  // what an earlier module was given
  const std::string_view first_factor_;
};

std::string_view Login::FindFirstFactor() const {
  if (!password_.empty()) return "password";
  // sshd's own word, in the environment that it gives to PAM, never in the process's.
  const char* const methods = pam_getenv(pamh_, "SSH_AUTH_INFO_0");
  if (methods != nullptr && std::string_view(methods).starts_with("publickey "sv) &&
      RunsSshServer()) {
    return kPublicKey;
  }
  return options_.waive_first_factor ? "waived" : kNoFirstFactor;
}

// Login rule 4 of docs/rules.md, as far as a terminal can see it.
bool Login::IsAttempt(const SecretBytes& answer) const {
  return !answer.empty() && answer.size() <= kMaxAnswer && IsUtf8(answer.ExposeText()) &&
         !ConstantTimeEqual(answer.Expose(), password_.Expose());
}

FirstAnswer Login::TakeCombined(const SecretBytes& line) {
  auto combined = Split(line, options_.code_digits);
  if (!combined) return {std::nullopt, false};
  if (options_.forward_pass) {
    // libpam keeps its own copy and wipes it; ours needs an end of string.
    SecretBytes text(combined->password.size() + 1);
    std::ranges::copy(combined->password.Expose(), text.Expose().begin());
    if (pam_set_item(pamh_, PAM_AUTHTOK, text.Expose().data()) != PAM_SUCCESS) {
      return {std::nullopt, false};
    }
  }
  return {std::move(combined->code), true};
}

Result<FirstAnswer> Login::AskCombined() {
  auto line = conversation_.Ask(
      options_.prompt.empty() ? "Password and one-time code: " : options_.prompt, false);
  if (!line) return line.error();
  if (!IsAttempt(*line)) return FirstAnswer{std::nullopt, false};
  return TakeCombined(*line);
}

Result<FirstAnswer> Login::AskFirst() {
  if (options_.try_first_pass || options_.use_first_pass) {
    auto taken = TakeCombined(password_);
    if (taken.is_attempt || options_.use_first_pass) return taken;
  }
  if (options_.forward_pass) return AskCombined();
  if (!options_.ask_first) return FirstAnswer{};
  auto code = conversation_.Ask(options_.prompt.empty() ? "One-time code: " : options_.prompt,
                                options_.echo_code);
  if (!code) return code.error();
  if (!IsAttempt(*code)) return FirstAnswer{std::nullopt, false};
  return FirstAnswer{*std::move(code), true};
}

Result<LoginReply> Login::Begin(const FirstAnswer& first) {
  RequestBody body;
  body.AddText("account"sv, account_);
  body.AddText("door"sv, DoorName(FindDoor(pamh_, options_.door)));
  body.AddText("service"sv, Escaped(ReadItem(pamh_, PAM_SERVICE)));
  body.AddText("remote_host"sv, Escaped(ReadItem(pamh_, PAM_RHOST)));
  body.AddText("tty"sv, Escaped(ReadItem(pamh_, PAM_TTY)));
  body.AddText("first_factor"sv, first_factor_);
  body.AddFlag("recovery"sv, !options_.no_recovery);
  if (first.code) {
    body.OpenObject("answers"sv);
    body.AddText(kCode, first.code->ExposeText());
    body.CloseObject();
  }
  return link_.Post("/v1/logins"sv, body);
}

std::string Login::PromptFor(const Question& question) const {
  if (question.id == kCode && !options_.prompt.empty()) return options_.prompt;
  return question.prompt;
}

// kInvalid: not an attempt.
Result<LoginReply> Login::Answer(const LoginReply& reply) {
  if (options_.use_first_pass) return Invalid("nothing more to take from the first line");
  RequestBody body;
  body.OpenObject("answers"sv);
  for (const auto& question : reply.ask) {
    const auto answer = conversation_.Ask(PromptFor(question), question.echo || options_.echo_code);
    if (!answer) return answer.error();
    if (!IsAttempt(*answer)) return Invalid("not an attempt");
    body.AddText(question.id, answer->ExposeText());
  }
  body.CloseObject();
  return link_.Post("/v1/logins/" + reply.login + "/answers", body);
}

// forward_pass where nothing is proven: sparekeyd would take no code for an attempt.
bool Login::AsksTooEarly() const {
  return options_.forward_pass && !options_.use_first_pass && first_factor_ == kNoFirstFactor;
}

int Login::RefuseToAsk() const {
  Log(pamh_, LOG_ERR,
      "option \"forward_pass\" asks before any first factor is proven: it needs first_factor=none");
  return PAM_AUTHINFO_UNAVAIL;
}

int Login::Conclude(const LoginReply& reply) const {
  const int code = CodeOf(reply, options_);
  const bool passes = code == PAM_SUCCESS || code == PAM_IGNORE;
  if (passes && !KeepText(pamh_, kProvenAccount, account_)) return PAM_AUTHINFO_UNAVAIL;
  if (!passes || options_.debug) {
    Log(pamh_, passes ? LOG_DEBUG : LOG_NOTICE,
        std::string(passes ? "passed" : "denied") + ": account \"" + Escaped(account_) +
            "\", door " + std::string(DoorName(FindDoor(pamh_, options_.door))) + ", from \"" +
            Escaped(ReadItem(pamh_, PAM_RHOST)) + "\": " + Escaped(reply.reason));
  }
  // After a key this module may stand alone, and libpam denies a stack that has PAM_IGNORE only.
  return code == PAM_IGNORE && HasKey() ? PAM_SUCCESS : code;
}

int Login::NotAnAttempt() const {
  Log(pamh_, LOG_NOTICE, "denied: account \"" + Escaped(account_) + "\": not an attempt");
  return PAM_AUTH_ERR;
}

int Login::CannotDecide(const Error& error) const {
  if (error.code == ErrorCode::kInvalid) return NotAnAttempt();
  if (error.code == ErrorCode::kNotFound) return PAM_AUTH_ERR;  // the login ended meanwhile
  if (!password_.empty() || HasKey()) {
    conversation_.Say(error.code == ErrorCode::kBusy
                          ? "Codes cannot be checked right now. Try again in a moment."
                          : "Codes cannot be checked right now. An administrator finds the "
                            "reason in the log of sparekeyd.",
                      true);
  }
  return PAM_AUTHINFO_UNAVAIL;
}

int Login::Run() {
  if (AsksTooEarly()) return RefuseToAsk();
  const auto first = AskFirst();
  if (!first) return NotAnAttempt();
  auto reply = Begin(*first);
  for (int round = 0; round < kMaxRounds; ++round) {
    if (!reply) return CannotDecide(reply.error());
    const bool skips = reply->verdict != Verdict::kNone && CodeOf(*reply, options_) == PAM_IGNORE;
    for (const auto& [text, is_error] : reply->say) {
      if (!skips) conversation_.Say(text, is_error);
    }
    if (reply->verdict != Verdict::kNone) return Conclude(*reply);
    if (!first->is_attempt) return NotAnAttempt();
    reply = Answer(*reply);
  }
  return PAM_MAXTRIES;
}

}  // namespace

int CodeOf(const LoginReply& reply, const Options& options) {
  const std::string_view reason = reply.reason;
  if (reply.verdict == Verdict::kAccept) {
    if (reason != "not_required"sv) return PAM_SUCCESS;
    const bool is_refused = options.unenrolled == Unenrolled::kDeny && !reply.enrolled;
    return is_refused ? PAM_AUTH_ERR : PAM_IGNORE;
  }
  if (reason == "not_enrolled"sv && options.unenrolled == Unenrolled::kSkip && !reply.must_enrol) {
    return PAM_IGNORE;
  }
  return PAM_AUTH_ERR;
}

int Authenticate(pam_handle_t* pamh, bool silent, const Options& options) {
  std::string account = ReadAccount(pamh);
  if (account.empty()) return PAM_AUTH_ERR;
  return Login(pamh, silent, options, std::move(account)).Run();
}

}  // namespace sparekey::pam
