// SPDX-License-Identifier: Apache-2.0
#include "service/json.h"

#include <algorithm>
#include <ostream>
#include <streambuf>

namespace sparekey {
namespace {

constexpr int kDeepest = 8;
constexpr std::size_t kLongestSecretReply = 16 * 1024;

Error WrongType(const char* name, const char* wanted) {
  return Invalid(std::string("\"") + name + "\" must be " + wanted);
}

// Depth is checked before parsing, since the parser builds as deep as it is told.
bool IsTooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == '[')) {
      if (++depth > kDeepest) return true;
    } else if (!quoted && (c == '}' || c == ']')) {
      --depth;
    }
  }
  return false;
}

// A stream's buffer that never moves what was written and is wiped. What is longer is cut, which no
// reader takes for JSON.
class WipedBuffer : public std::streambuf {
 public:
  WipedBuffer() : bytes_(kLongestSecretReply) {
    char* begin = reinterpret_cast<char*>(bytes_.Expose().data());
    setp(begin, begin + bytes_.size());
  }
  SecretBytes Take() const {
    return SecretBytes(bytes_.Expose().first(static_cast<std::size_t>(pptr() - pbase())));
  }

 private:
  SecretBytes bytes_;
};

Json AuthenticatorJson(const Authenticator& authenticator) {
  return {{"label", authenticator.label},
          {"type", ToString(authenticator.type)},
          {"digits", authenticator.digits},
          {"interval", authenticator.interval.count()},
          {"algorithm", ToString(authenticator.algorithm)},
          {"counter", authenticator.type == OtpType::kHotp ? Json(authenticator.mark + 1) : Json()},
          {"created", FormatTime(authenticator.created)},
          {"last_used", TimeOrNull(authenticator.last_used)}};
}

}  // namespace

Result<Json> ParseObject(const SecretBytes& body) {
  const std::string_view text = body.ExposeText();
  if (IsTooDeep(text)) return Invalid("the request is nested too deeply");
  Json value = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!value.is_object()) return Invalid("the request must be one JSON object");
  return value;
}

Result<std::optional<std::string>> TextField(const Json& object, const char* name,
                                             std::size_t limit) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::optional<std::string>();
  if (!found->is_string()) return WrongType(name, "a text");
  const auto& text = found->get_ref<const std::string&>();
  if (text.size() > limit) {
    return WrongType(name, ("at most " + std::to_string(limit) + " bytes long").c_str());
  }
  return std::optional<std::string>(text);
}

Result<std::optional<bool>> BoolField(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::optional<bool>();
  if (!found->is_boolean()) return WrongType(name, "true or false");
  return std::optional<bool>(found->get<bool>());
}

Result<std::optional<std::int64_t>> NumberField(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::optional<std::int64_t>();
  if (!found->is_number_integer()) return WrongType(name, "a whole number");
  return std::optional<std::int64_t>(found->get<std::int64_t>());
}

HttpResponse Reply(int status, const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  HttpResponse response{status, SecretBytes(text), "application/json"};
  Wipe(std::span<char>(text));
  return response;
}

HttpResponse Reply(int status, const JsonWriter& json) {
  if (!json.IsGood()) return Problem(500, "Internal error", "The answer is no text");
  return {status, SecretBytes(json.text()), "application/json"};
}

HttpResponse SecretReply(int status, Json value) {
  WipedBuffer buffer;
  std::ostream(&buffer) << value;
  WipeTexts(value);
  return {status, buffer.Take(), "application/json"};
}

void WipeTexts(Json& value) {
  if (value.is_string()) {
    Wipe(std::span<char>(value.get_ref<std::string&>()));
  } else if (value.is_structured()) {
    for (Json& item : value) WipeTexts(item);
  }
}

Json TimeOrNull(const std::optional<TimePoint>& time) {
  return time ? Json(FormatTime(*time)) : Json(nullptr);
}

Json GateJson(const std::optional<GateClosure>& gate) {
  return {{"ssh_gate", gate ? "closed" : "open"},
          {"since", gate ? Json(FormatTime(gate->since)) : Json(nullptr)},
          {"reason", gate ? Json(gate->reason) : Json(nullptr)}};
}

Json ToJson(const Account& account, const Policy& policy, TimePoint now) {
  const bool over = account.pending && account.pending->IsOver(now);
  const bool none = over && account.authenticators.empty();
  Json authenticators = Json::array();
  for (const Authenticator& authenticator : account.authenticators) {
    authenticators.push_back(AuthenticatorJson(authenticator));
  }
  const char* lockout = account.super_locked ? "super_locked" : account.locked ? "locked" : "none";
  const int budget = std::max(0, policy.lockout_otp_budget - account.otp_budget_spent);
  Json value = {
      {"account", account.name},
      {"uid", account.uid == kNoUid ? Json(nullptr) : Json(account.uid)},
      {"administrator", account.administrator},
      {"enrolment", ToString(none ? Enrolment::kNone : account.enrolment())},
      {"lockout", lockout},
      {"locked_since", TimeOrNull(account.locked)},
      {"super_locked_since", TimeOrNull(account.super_locked)},
      {"otp_failures", account.otp_failures},
      {"otp_budget_left", policy.lockout_otp_budget > 0 ? Json(budget) : Json(nullptr)},
      {"recovery_failures", account.recovery_failures},
      {"codes_left", account.sheet ? account.sheet->CodesLeft() : 0},
      {"sheet", account.sheet ? Json(account.sheet->number) : Json(nullptr)},
      {"codes_issued", account.sheet ? Json(FormatTime(account.sheet->issued)) : Json(nullptr)},
      {"ssh_gate", account.gate ? "closed" : "open"},
      {"ssh_gate_since", account.gate ? Json(FormatTime(account.gate->since)) : Json(nullptr)},
      {"ssh_gate_reason", account.gate ? Json(account.gate->reason) : Json(nullptr)},
      {"must_enrol", account.must_enrol},
      {"last_login", TimeOrNull(account.last_login)},
      {"authenticators", authenticators},
      {"pending", nullptr}};
  if (account.pending && !over) {
    value["pending"] = {{"label", account.pending->authenticator.label},
                        {"renews", account.pending->renews},
                        {"since", FormatTime(account.pending->since)}};
  }
  return value;
}

Json ToJson(const Event& event) {
  if (event.damaged) return {{"id", event.id}, {"damaged", true}};
  return {{"id", event.id},
          {"time", FormatTime(event.time)},
          {"kind", ToString(event.kind)},
          {"account", event.account.empty() ? Json(nullptr) : Json(event.account)},
          {"door", event.door ? Json(ToString(*event.door)) : Json(nullptr)},
          {"remote_host", event.remote_host.empty() ? Json(nullptr) : Json(event.remote_host)},
          {"detail", event.detail}};
}

}  // namespace sparekey
