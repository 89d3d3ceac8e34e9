// SPDX-License-Identifier: Apache-2.0
#include "cli/codes_output.h"

#include "backupcodes/codes.h"
#include "cli/arguments.h"
#include "cli/text.h"

namespace sparekey {
namespace {

Result<std::vector<BackupCode>> ParseCodes(const Json& sheet) {
  std::vector<BackupCode> codes;
  for (const Json& item : ListOf(sheet, "backup_codes")) {
    auto code = item.is_string() ? ParseBackupCode(item.get_ref<const std::string&>())
                                 : std::optional<BackupCode>();
    if (!code) {
      return Error{ErrorCode::kUnavailable, "the service's backup codes cannot be understood"};
    }
    codes.push_back(std::move(*code));
  }
  return codes;
}

SheetExport Describe(const Json& sheet, const std::vector<BackupCode>& codes) {
  SheetExport described;
  described.host = TextOf(sheet, "host");
  described.account = TextOf(sheet, "account");
  described.number = static_cast<std::uint32_t>(NumberOf(sheet, "sheet"));
  described.issued = ParseTime(TextOf(sheet, "issued")).value_or(ReadClock());
  described.required = static_cast<int>(NumberOf(sheet, "required"));
  described.codes = &codes;
  return described;
}

}  // namespace

Result<SecretBytes> ExportSheet(const Json& sheet, bool as_json) {
  Result<std::vector<BackupCode>> codes = ParseCodes(sheet);
  if (!codes.ok()) return codes.error();
  const SheetExport described = Describe(sheet, *codes);
  return as_json ? ExportJson(described) : ExportText(described);
}

Result<CodesOutput> CodesOutput::Prepare(std::string_view option,
                                         const std::optional<std::string>& path) {
  CodesOutput output;
  if (!path) return output;
  const Status checked = CheckExtension(option, *path, {".txt", ".json"});
  if (!checked.ok()) return checked.error();
  Result<NewFile> file = NewFile::Create(*path);
  if (!file.ok()) return file.error();
  output.file_.emplace(std::move(*file));
  return output;
}

Status CodesOutput::Deliver(const Json& sheet, bool json) {
  Result<std::vector<BackupCode>> codes = ParseCodes(sheet);
  if (!codes.ok()) return codes.error();
  if (codes->empty()) return Ok();
  const SheetExport described = Describe(sheet, *codes);
  if (!file_) {
    if (!json) Print(ExportText(described).ExposeText());
    return Ok();
  }
  const SecretBytes content =
      file_->path().ends_with(".json") ? ExportJson(described) : ExportText(described);
  const Status written = file_->Finish(content.ExposeText());
  if (written.ok()) {
    Say("Backup codes: " + Escape(file_->path()));
  } else if (!json) {
    Print(ExportText(described).ExposeText());
  }
  return written;
}

}  // namespace sparekey
