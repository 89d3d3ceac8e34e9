// SPDX-License-Identifier: Apache-2.0
// user enroll.
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/codes_output.h"
#include "cli/commands.h"
#include "cli/confirmation.h"
#include "cli/context.h"
#include "cli/prompt.h"
#include "core/account.h"
#include "core/base32.h"
#include "core/qr.h"

namespace sparekey {
namespace {

constexpr int kConfirmationTries = 3;

Status CheckOptions(const Invocation& invocation) {
  Status status = CheckName("NAME", invocation.First());
  if (const auto label = invocation.Get("label"); status.ok() && label && !IsLabel(*label)) {
    status =
        Invalid("--label: '" + Escape(*label) +
                "' is not possible; a label has 1 to 64 bytes, no colon and no control character");
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
  if (const auto algorithm = invocation.Get("algorithm"); status.ok() && algorithm) {
    status = CheckOneOf("algorithm", *algorithm, {"sha1", "sha256", "sha512"});
  }
  return status;
}

// Base32 from standard input; kept as typed, since the service reads it again.
Result<SecretBytes> ReadSecret() {
  auto typed = ReadAnswer("Secret (base32): ", Echo::kOff);
  if (!typed || typed->empty()) return Invalid("--secret-stdin: no secret on standard input");
  const auto secret = DecodeBase32(typed->ExposeText());
  if (!secret || secret->size() < 16 || secret->size() > 64) {
    return Invalid("--secret-stdin: the secret must be base32 of 16 to 64 bytes");
  }
  return std::move(*typed);
}

Result<SecretJson> MakeRequest(const Invocation& invocation) {
  SecretJson request(Json::object());
  Json& json = request.Expose();
  for (const char* name : {"label", "type", "algorithm"}) {
    if (const auto value = invocation.Get(name)) json[name] = *value;
  }
  for (const char* name : {"digits", "interval"}) {
    if (const auto value = invocation.Get(name)) json[name] = std::stoi(*value);
  }
  json["confirm"] = !invocation.Has("no-confirm");
  if (invocation.Has("secret-stdin")) {
    Result<SecretBytes> secret = ReadSecret();
    if (!secret.ok()) return secret.error();
    SetSecret(json, "secret", *secret);
  }
  return request;
}

class QrOutput {
 public:
  static Result<QrOutput> Prepare(const std::optional<std::string>& path) {
    QrOutput output;
    if (!path) return output;
    const Status checked = CheckExtension("qr", *path, {".svg", ".png"});
    if (!checked.ok()) return checked.error();
    Result<NewFile> file = NewFile::Create(*path);
    if (!file.ok()) return file.error();
    output.file_.emplace(std::move(*file));
    return output;
  }

  Status Deliver(const std::string& uri, bool json) {
    if (!file_) return json || !IsTerminal(STDOUT_FILENO) ? Ok() : Show(uri);
    Result<std::string> image = file_->path().ends_with(".svg") ? QrAsSvg(uri) : QrAsPng(uri);
    if (!image.ok()) return image.error();
    const Status written = file_->Finish(*image);
    Wipe(std::span<char>(*image));
    if (written.ok()) Say("QR code: " + Escape(file_->path()));
    return written;
  }

 private:
  static Status Show(const std::string& uri) {
    Result<std::string> picture = QrForTerminal(uri);
    if (!picture.ok()) return picture.error();
    Print(*picture);
    Wipe(std::span<char>(*picture));
    return Ok();
  }
  std::optional<NewFile> file_;
};

// Text before picture: a QR code may not arrive whole on every terminal.
void ShowAuthenticator(const Json& enrolment) {
  for (const auto& [title, key] :
       {std::pair("Account  ", "account"), std::pair("Label    ", "label"),
        std::pair("Secret   ", "secret"), std::pair("URI      ", "uri")}) {
    std::string value = TextOf(enrolment, key);
    std::string line = std::string(title) + Escape(value) + '\n';
    Print(line);
    Wipe(std::span<char>(line));
    Wipe(std::span<char>(value));
  }
}

// Everything is shown even where a file fails: secret and codes exist only here.
Status Deliver(const Json& enrolment, QrOutput& qr, CodesOutput& codes, bool json) {
  if (!json) ShowAuthenticator(enrolment);
  std::string uri = TextOf(enrolment, "uri");
  const Status picture = qr.Deliver(uri, json);
  Wipe(std::span<char>(uri));
  const Status sheet = codes.Deliver(enrolment, json);
  return picture.ok() ? sheet : picture;
}

int ConfirmNow(Context& context, Api& api, const std::string& name) {
  const Answer answer = Confirm(api, name, kConfirmationTries);
  if (!answer.ok()) {
    const int status = Fail(context, *answer.failure);
    Say("Nothing is lost: confirm with: sparekey user confirm " + name);
    return status;
  }
  Say(name + " is enrolled");
  return End(ExitStatus::kDone);
}

}  // namespace

int RunUserEnroll(Context& context, const Invocation& invocation) {
  const Status checked = CheckOptions(invocation);
  if (!checked.ok()) return Fail(context, checked.error());
  Result<CodesOutput> codes = CodesOutput::Prepare("codes-out", invocation.Get("codes-out"));
  if (!codes.ok()) return Fail(context, codes.error());
  Result<QrOutput> qr = QrOutput::Prepare(invocation.Get("qr"));
  if (!qr.ok()) return Fail(context, qr.error());
  const Result<SecretJson> request = MakeRequest(invocation);
  if (!request.ok()) return Fail(context, request.error());

  Api api = context.OpenApi();
  const std::string name(invocation.First());
  const Answer answer = api.Send("POST", AccountTarget(name, "/enrolment"), *request);
  if (!answer.ok()) return Fail(context, *answer.failure);
  const Json& enrolment = answer.body.Expose();
  const Status delivered = Deliver(enrolment, *qr, *codes, context.json);
  if (context.json) PrintJson(enrolment);
  if (!delivered.ok()) return Fail({context.config, false}, delivered.error());
  if (TextOf(enrolment, "enrolment") == "active") {
    if (!context.json) Say(name + " is enrolled");
    return End(ExitStatus::kDone);
  }
  if (!context.json && IsTerminal(STDIN_FILENO)) return ConfirmNow(context, api, name);
  Say("confirm with: sparekey user confirm " + name);
  return End(ExitStatus::kDone);
}

}  // namespace sparekey
