// SPDX-License-Identifier: Apache-2.0
#include "core/account.h"

#include <algorithm>

namespace sparekey {

Authenticator Authenticator::Clone() const {
  Authenticator copy;
  copy.label = label;
  copy.type = type;
  copy.algorithm = algorithm;
  copy.digits = digits;
  copy.interval = interval;
  copy.secret = secret.Clone();
  copy.mark = mark;
  copy.created = created;
  copy.last_used = last_used;
  return copy;
}

int Sheet::CodesLeft() const {
  return static_cast<int>(
      std::count_if(codes.begin(), codes.end(), [](const auto& code) { return !code.spent; }));
}

PendingEnrolment PendingEnrolment::Clone() const {
  return {authenticator.Clone(), sheet, since, renews};
}

Enrolment Account::enrolment() const {
  if (!authenticators.empty()) return Enrolment::kActive;
  return pending ? Enrolment::kPending : Enrolment::kNone;
}

Authenticator* Account::FindAuthenticator(std::string_view label) {
  const auto found = std::find_if(authenticators.begin(), authenticators.end(),
                                  [label](const auto& one) { return one.label == label; });
  return found == authenticators.end() ? nullptr : &*found;
}

Account Account::Clone() const {
  Account copy;
  copy.name = name;
  copy.uid = uid;
  copy.administrator = administrator;
  for (const Authenticator& authenticator : authenticators) {
    copy.authenticators.push_back(authenticator.Clone());
  }
  if (pending) copy.pending = pending->Clone();
  copy.sheet = sheet;
  copy.sheets_issued = sheets_issued;
  copy.must_enrol = must_enrol;
  copy.locked = locked;
  copy.super_locked = super_locked;
  copy.otp_failures = otp_failures;
  copy.otp_budget_spent = otp_budget_spent;
  copy.recovery_failures = recovery_failures;
  copy.gate = gate;
  copy.last_login = last_login;
  copy.containment = containment;
  copy.notice = notice;
  return copy;
}

std::string_view ToString(OtpType type) { return type == OtpType::kTotp ? "totp" : "hotp"; }

std::string_view ToString(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha256:
      return "sha256";
    case HashAlgorithm::kSha512:
      return "sha512";
    case HashAlgorithm::kSha1:
      break;
  }
  return "sha1";
}

std::string_view ToString(Enrolment enrolment) {
  switch (enrolment) {
    case Enrolment::kPending:
      return "pending";
    case Enrolment::kActive:
      return "active";
    case Enrolment::kNone:
      break;
  }
  return "none";
}

std::optional<OtpType> ParseOtpType(std::string_view text) {
  for (const auto type : {OtpType::kTotp, OtpType::kHotp}) {
    if (text == ToString(type)) return type;
  }
  return std::nullopt;
}

std::optional<HashAlgorithm> ParseHashAlgorithm(std::string_view text) {
  for (const auto algorithm :
       {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha512}) {
    if (text == ToString(algorithm)) return algorithm;
  }
  return std::nullopt;
}

bool IsAccountName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name.front() == '-') return false;
  if (name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != ':'; });
}

bool IsNewLabel(std::string_view label) {
  return IsLabel(label) && label.find('/') == std::string_view::npos;
}

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabelBytes) return false;
  return std::all_of(label.begin(), label.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= ' ' && byte != 0x7f && c != ':';
  });
}

}  // namespace sparekey
