// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "backupcodes/codes.h"

namespace sparekey {
namespace {

constexpr std::size_t kFormattedLength = 19;

// Text of at most `capacity` bytes, in memory that is wiped.
class SecretText {
 public:
  explicit SecretText(std::size_t capacity) : text_(capacity) {}
  void Append(std::string_view part) {
    std::copy(part.begin(), part.end(), text_.Expose().subspan(used_).begin());
    used_ += part.size();
  }
  SecretBytes Written() const { return SecretBytes(text_.ExposeText().substr(0, used_)); }

 private:
  SecretBytes text_;
  std::size_t used_ = 0;
};

std::string Instructions(int required) {
  std::string text =
      "No one-time code at hand? Log in with your password as usual, and type one of\n"
      "these backup codes where the one-time code is asked for.";
  if (required > 1) {
    text += " You are asked for more\nuntil you have given " + std::to_string(required) +
            " different ones.";
  }
  return text + "\n";
}

std::string Head(const SheetExport& sheet) {
  return "Backup codes for two-factor logins (sparekey)\n\n"
         "Host:     " +
         sheet.host +
         "\n"
         "Account:  " +
         sheet.account +
         "\n"
         "Issued:   " +
         FormatLocalTime(sheet.issued) +
         "\n"
         "Sheet:    " +
         std::to_string(sheet.number) + "\n\n" + Instructions(sheet.required) +
         "Each code works once: cross out what you have used. Small letters do as well,\n"
         "and dashes may be left out. A new sheet makes all codes of this one worthless.\n"
         "Keep this where nobody else finds it, and apart from your password.\n\n";
}

// "  1. ", two columns for the number.
std::string Bullet(std::size_t index) {
  const std::string number = std::to_string(index + 1);
  return std::string(3 - number.size(), ' ') + number + ". ";
}

}  // namespace

SecretBytes ExportText(const SheetExport& sheet) {
  const std::string head = Head(sheet);
  const std::vector<BackupCode>& codes = *sheet.codes;
  SecretText text(head.size() + codes.size() * (Bullet(0).size() + kFormattedLength + 1));
  text.Append(head);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    text.Append(Bullet(i));
    text.Append(FormatBackupCode(codes[i]).ExposeText());
    text.Append("\n");
  }
  return text.Written();
}

SecretBytes ExportJson(const SheetExport& sheet) {
  nlohmann::ordered_json object;
  object["format"] = "sparekey-backup-codes";
  object["version"] = 1;
  object["host"] = sheet.host;
  object["account"] = sheet.account;
  object["sheet"] = sheet.number;
  object["issued"] = FormatTime(sheet.issued);
  object["required"] = sheet.required;
  // The codes are added by hand: the library's memory is not wiped.
  std::string head = object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  head.pop_back();
  head += R"(,"codes":[)";
  const std::vector<BackupCode>& codes = *sheet.codes;
  SecretText text(head.size() + codes.size() * (kFormattedLength + 3) + 3);
  text.Append(head);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    text.Append(i == 0 ? "\"" : ",\"");
    text.Append(FormatBackupCode(codes[i]).ExposeText());
    text.Append("\"");
  }
  text.Append("]}\n");
  return text.Written();
}

}  // namespace sparekey
