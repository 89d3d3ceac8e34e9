// SPDX-License-Identifier: Apache-2.0
#include "cli/console_enrol.h"

#include <langinfo.h>
#include <unistd.h>

#include <cstring>

#include "cli/codes_output.h"
#include "cli/console_screen.h"
#include "cli/text.h"
#include "core/qr.h"

namespace sparekey {
namespace {

enum class View { kPicture, kInverted, kText };

bool ShowsUtf8() { return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }

// What every app takes for granted is left out of the picture: fewer modules, fewer lines.
std::string ShortUri(std::string uri) {
  for (const std::string_view usual : {"&algorithm=SHA1", "&digits=6", "&period=30"}) {
    const auto at = uri.find(usual);
    if (at == std::string::npos) continue;
    const auto end = at + usual.size();
    if (end == uri.size() || uri[end] == '&') uri.erase(at, usual.size());
  }
  return uri;
}

void Wipe(std::vector<std::string>& lines) {
  for (std::string& line : lines) sparekey::Wipe(std::span<char>(line));
}

// By fours, as people read it out.
void PrintText(const Json& made) {
  std::string secret = TextOf(made, "secret");
  std::string uri = TextOf(made, "uri");
  Tell("Account  " + Ascii(TextOf(made, "account")));
  Tell("Type     " + TextOf(made, "type") + ", " + std::to_string(NumberOf(made, "digits")) +
       " digits, " + TextOf(made, "algorithm") +
       (TextOf(made, "type") == "totp"
            ? ", every " + std::to_string(NumberOf(made, "interval")) + " s"
            : ""));
  Print("Secret  ");
  for (std::size_t i = 0; i < secret.size(); i += 4) {
    if (i > 0 && i % 52 == 0) Print("\n        ");
    Print(" ");
    Print(std::string_view(secret).substr(i, 4));
  }
  Print("\nThe same as one key URI, to be read without the line ends:\n");
  for (std::size_t i = 0; i < uri.size(); i += kScreenColumns) {
    Print(std::string_view(uri).substr(i, kScreenColumns));
    Print("\n");
  }
  sparekey::Wipe(std::span<char>(secret));
  sparekey::Wipe(std::span<char>(uri));
}

// false: there is none that fits the screen.
bool PrintPicture(const Json& made, bool inverted) {
  std::string uri = TextOf(made, "uri");
  std::string shorter = ShortUri(uri);
  Result<std::vector<std::string>> lines = QrAsLines(shorter, inverted);
  sparekey::Wipe(std::span<char>(uri));
  sparekey::Wipe(std::span<char>(shorter));
  const bool fits = lines.ok() && lines->size() < kScreenLines;
  for (std::size_t i = 0; fits && i < lines->size(); ++i) Print((*lines)[i] + '\n');
  if (lines.ok()) Wipe(*lines);
  return fits;
}

void ShowSecret(const Json& made, View view) {
  if (view != View::kText && PrintPicture(made, view == View::kInverted)) return;
  PrintText(made);
}

enum class Proof { kProven, kLater, kFailed };

// A code that the service has taken, although its answer was lost, is no failure.
bool IsActive(ConsolePlace& place, const std::string& account) {
  const Answer shown = place.Look(AccountTarget(account));
  return shown.ok() && TextOf(shown.body.Expose(), "enrolment") == "active";
}

Proof SendCode(ConsolePlace& place, const std::string& account, const std::string& code) {
  SecretJson body(Json::object());
  body.Expose()["code"] = code;
  const Answer answer = place.Send("POST", AccountTarget(account, "/enrolment/confirmation"), body);
  if (answer.ok()) return Proof::kProven;
  if (place.in_doubt() && IsActive(place, account)) return Proof::kProven;
  TellFailure(*answer.failure);
  const bool again = answer.failure->code == "wrong_code" || answer.failure->code == "invalid" ||
                     answer.failure->code == "unavailable" || answer.failure->code == "busy";
  return again ? Proof::kLater : Proof::kFailed;
}

Proof AskForCode(ConsolePlace& place, const Json& made) {
  const std::string account = TextOf(made, "account");
  ShowSecret(made, ShowsUtf8() ? View::kPicture : View::kText);
  while (true) {
    const Typed typed =
        AskLine("Code from the app (t: as text, r: QR code, i: inverted, Enter: later): ");
    if (!typed.given || typed.text.empty()) return Proof::kLater;
    if (typed.text == "t") {
      ShowSecret(made, View::kText);
    } else if (typed.text == "r" || typed.text == "i") {
      ShowSecret(made, typed.text == "r" ? View::kPicture : View::kInverted);
    } else {
      const Proof proof = SendCode(place, account, typed.text);
      if (proof != Proof::kLater) return proof;
    }
  }
}

// In two columns, so that the largest sheet fits one screen.
std::vector<std::string> SheetLines(const Json& sheet) {
  std::vector<std::string> lines = {
      Cut("Backup codes of " + Ascii(TextOf(sheet, "account")) + " on " +
          Ascii(TextOf(sheet, "host")) + ", sheet " + std::to_string(NumberOf(sheet, "sheet")) +
          ", " + LocalTime(TextOf(sheet, "issued"))),
      "Each works once. Type one instead of a one-time code; that login takes " +
          std::to_string(NumberOf(sheet, "required")) + ".",
      ""};
  const Json& codes = ListOf(sheet, "backup_codes");
  const std::size_t rows = (codes.size() + 1) / 2;
  for (std::size_t row = 0; row < rows; ++row) {
    std::string& line = lines.emplace_back();
    line.reserve(kScreenColumns);  // no copies of it are left behind
    for (std::size_t i = row; i < codes.size(); i += rows) {
      line += (i == row ? "  " : "      ") + std::string(i < 9 ? " " : "") + std::to_string(i + 1) +
              ". ";
      if (codes[i].is_string()) line += codes[i].get_ref<const std::string&>();
    }
  }
  return lines;
}

void ShowSheet(const Json& sheet) {
  std::vector<std::string> lines = SheetLines(sheet);
  ShowPages(lines);
  Wipe(lines);
  AskLine("-- Write them down; Enter moves them out of sight: ");
  PushAway();
}

// A name that nothing has yet.
std::string UsualPath(const Json& sheet) {
  const std::string base = "/root/sparekey-codes-" + TextOf(sheet, "account") + "-sheet" +
                           std::to_string(NumberOf(sheet, "sheet"));
  std::string path = base + ".txt";
  for (int n = 2; n < 100 && access(path.c_str(), F_OK) == 0; ++n) {
    path = base + "-" + std::to_string(n) + ".txt";
  }
  return path;
}

// false: not written, which was said.
bool WriteSheet(const Json& sheet, const ConsolePlace& place) {
  const std::string usual = UsualPath(sheet);
  Tell("A new file, .txt or .json. Enter takes " + usual);
  const Typed typed = AskLine("File: ");
  if (!typed.given) return false;
  const std::string path = typed.text.empty() ? usual : typed.text;
  Result<CodesOutput> output = CodesOutput::Prepare("file", path);
  const Status written = output.ok() ? output->Deliver(sheet, true) : Status(output.error());
  if (!written.ok()) {
    TellFailure(FailureOf(written.error()));
    return false;
  }
  Tell(std::string(place.mounted() ? "That is a path of the mounted system. " : "") +
       "Only root can read it; print it or hand it over, then remove it.");
  return true;
}

// The codes exist only here: it asks until they are taken, or not wanted.
void HandOver(const Json& sheet, const ConsolePlace& place) {
  if (ListOf(sheet, "backup_codes").empty()) return;
  Tell("Backup codes (sheet " + std::to_string(NumberOf(sheet, "sheet")) +
       "), which nobody can see again later:");
  while (true) {
    const Typed typed = AskLine("  s: show them here, f: write a file, n: throw them away: ");
    if (typed.text == "s") return ShowSheet(sheet);
    if (typed.text == "f" && WriteSheet(sheet, place)) return;
    if (!typed.given || typed.text == "n") break;
  }
  Tell("There is no copy of these codes now. A new sheet: entry 6, or: sparekey codes new " +
       Ascii(TextOf(sheet, "account")));
}

// Of what is enrolled already, super-locked by itself, or damaged.
void TellRefusal(const Failure& failure) {
  TellFailure(failure);
  if (failure.code == "conflict" || failure.code == "not_allowed" || failure.code == "damaged") {
    Tell("Entry 4 resets it, so that it can enrol anew.");
  }
}

}  // namespace

void EnrolAtConsole(ConsolePlace& place, const std::string& account) {
  Answer begun =
      place.Send("POST", AccountTarget(account, "/enrolment"), SecretJson(Json::object()));
  if (!begun.ok()) {
    return TellRefusal(*begun.failure);
  }
  const Json& made = begun.body.Expose();
  const Proof proof = AskForCode(place, made);
  PushAway();
  if (proof == Proof::kProven) {
    Tell(Ascii(account) + " is enrolled.");
  } else {
    Tell(Ascii(account) +
         " is not enrolled yet: no code has proven the secret, and the backup codes do not count "
         "either. Within 24 hours: sparekey user confirm " +
         Ascii(account) + ". Or begin again with entry 5.");
  }
  HandOver(made, place);
}

void NewSheetAtConsole(ConsolePlace& place, const std::string& account) {
  Tell("This makes new backup codes for " + Ascii(account) +
       " and voids all older ones. One-time codes stay as they are.");
  if (!Agree("Go on?")) return;
  const Answer made =
      place.Send("POST", AccountTarget(account, "/backup-codes"), SecretJson(Json::object()));
  if (!made.ok()) return TellRefusal(*made.failure);
  HandOver(made.body.Expose(), place);
}

}  // namespace sparekey
