// SPDX-License-Identifier: Apache-2.0
#include "cli/new_authenticator.h"

#include <unistd.h>

#include "cli/arguments.h"
#include "cli/confirmation.h"
#include "cli/prompt.h"
#include "core/account.h"
#include "core/base32.h"
#include "core/otpauth.h"
#include "core/qr.h"

namespace sparekey {
namespace {

constexpr int kConfirmationTries = 3;
constexpr std::string_view kUriScheme = "otpauth://";
constexpr const char* kParameters[] = {"type", "digits", "interval", "algorithm", "counter"};

// A whole key URI says everything about the authenticator but its label.
Status TakeUri(const Invocation& invocation, const SecretBytes& typed, Json& request) {
  for (const char* name : kParameters) {
    if (!invocation.Has(name)) continue;
    return Invalid(std::string("--") + name + ": the otpauth:// URI says it already");
  }
  const auto uri = ParseOtpauth(typed.ExposeText());
  if (!uri.ok()) return Invalid("--secret-stdin: " + uri.error().message);
  const Authenticator& one = uri->authenticator;
  request["type"] = ToString(one.type);
  request["algorithm"] = ToString(one.algorithm);
  request["digits"] = one.digits;
  if (one.type == OtpType::kTotp) request["interval"] = one.interval.count();
  if (one.type == OtpType::kHotp) request["counter"] = one.mark + 1;
  SetSecret(request, "secret", EncodeBase32(one.secret.Expose()));
  return Ok();
}

Status TakeSecret(const Invocation& invocation, Json& request) {
  const auto typed = ReadAnswer("Secret (base32, or otpauth:// URI): ", Echo::kOff);
  if (!typed || typed->empty()) return Invalid("--secret-stdin: no secret on standard input");
  if (typed->ExposeText().starts_with(kUriScheme)) return TakeUri(invocation, *typed, request);
  const auto secret = DecodeBase32(typed->ExposeText());
  if (!secret || secret->size() < 16 || secret->size() > 64) {
    return Invalid("--secret-stdin: the secret must be base32 of 16 to 64 bytes");
  }
  SetSecret(request, "secret", *typed);
  return Ok();
}

Status ShowOnTerminal(const std::string& uri) {
  Result<std::string> picture = QrForTerminal(uri);
  if (!picture.ok()) return picture.error();
  Print(*picture);
  Wipe(std::span<char>(*picture));
  return Ok();
}

}  // namespace

Status CheckNewAuthenticator(const Invocation& invocation) {
  const Status named = CheckName("NAME", invocation.First());
  return named.ok() ? CheckAuthenticatorOptions(invocation) : named;
}

Status CheckAuthenticatorOptions(const Invocation& invocation) {
  Status status = Ok();
  if (const auto label = invocation.Get("label"); status.ok() && label && !IsNewLabel(*label)) {
    status = Invalid("--label: '" + Escape(*label) +
                     "' is not possible; a label has 1 to 64 bytes, no colon, no slash and no "
                     "control character");
  }
  if (const auto type = invocation.Get("type"); status.ok() && type) {
    status = CheckOneOf("type", *type, {"totp", "hotp"});
  }
  if (const auto digits = invocation.Get("digits"); status.ok() && digits) {
    status = CheckNumber("digits", *digits, 6, 8);
  }
  if (const auto interval = invocation.Get("interval"); status.ok() && interval) {
    status = CheckNumber("interval", *interval, 5, 3600);
  }
  if (const auto counter = invocation.Get("counter"); status.ok() && counter) {
    status = CheckNumber("counter", *counter, 0, 2'000'000'000);
  }
  if (const auto algorithm = invocation.Get("algorithm"); status.ok() && algorithm) {
    status = CheckOneOf("algorithm", *algorithm, {"sha1", "sha256", "sha512"});
  }
  return status;
}

Result<SecretJson> RequestNewAuthenticator(const Invocation& invocation) {
  SecretJson request(Json::object());
  Json& json = request.Expose();
  for (const char* name : {"label", "type", "algorithm"}) {
    if (const auto value = invocation.Get(name)) json[name] = *value;
  }
  for (const char* name : {"digits", "interval", "counter"}) {
    if (const auto value = invocation.Get(name)) json[name] = std::stoi(*value);
  }
  json["confirm"] = !invocation.Has("no-confirm");
  if (!invocation.Has("secret-stdin")) return request;
  const Status taken = TakeSecret(invocation, json);
  if (!taken.ok()) return taken.error();
  return request;
}

Result<QrOutput> QrOutput::Prepare(const std::optional<std::string>& path) {
  QrOutput output;
  if (!path) return output;
  const Status checked = CheckExtension("qr", *path, {".svg", ".png"});
  if (!checked.ok()) return checked.error();
  Result<NewFile> file = NewFile::Create(*path);
  if (!file.ok()) return file.error();
  output.file_.emplace(std::move(*file));
  return output;
}

Status QrOutput::Deliver(const std::string& uri, bool json) {
  if (!file_) return json || !IsTerminal(STDOUT_FILENO) ? Ok() : ShowOnTerminal(uri);
  Result<std::string> image = file_->path().ends_with(".svg") ? QrAsSvg(uri) : QrAsPng(uri);
  if (!image.ok()) return image.error();
  const Status written = file_->Finish(*image);
  Wipe(std::span<char>(*image));
  if (written.ok()) Say("QR code: " + Escape(file_->path()));
  return written;
}

// Text before picture: a QR code may not arrive whole on every terminal.
Status ShowNewAuthenticator(const Json& made, QrOutput& qr, bool json) {
  for (const auto& [title, key] :
       {std::pair("Account  ", "account"), std::pair("Label    ", "label"),
        std::pair("Secret   ", "secret"), std::pair("URI      ", "uri")}) {
    if (json) break;
    std::string value = TextOf(made, key);
    std::string line = std::string(title) + Escape(value) + '\n';
    Print(line);
    Wipe(std::span<char>(line));
    Wipe(std::span<char>(value));
  }
  std::string uri = TextOf(made, "uri");
  Status picture = qr.Deliver(uri, json);
  Wipe(std::span<char>(uri));
  return picture;
}

int FinishNewAuthenticator(Context& context, Api& api, const Json& made, const std::string& done) {
  const std::string name = TextOf(made, "account");
  const bool active = TextOf(made, "enrolment") == "active";
  if (!active && (context.json || !IsTerminal(STDIN_FILENO))) {
    Say("confirm with: sparekey user confirm " + name);
    return End(ExitStatus::kDone);
  }
  if (!active) {
    const Answer answer = Confirm(api, name, kConfirmationTries);
    if (!answer.ok()) {
      const int status = Fail(context, *answer.failure);
      Say("Nothing is lost: confirm with: sparekey user confirm " + name);
      return status;
    }
  }
  if (!context.json) Say(done);
  return End(ExitStatus::kDone);
}

}  // namespace sparekey
