// SPDX-License-Identifier: Apache-2.0
// Where a new sheet of backup codes goes: into a new .txt or .json file, or once to standard
// output.
#pragma once

#include <optional>
#include <string>

#include "cli/api.h"
#include "cli/new_file.h"

namespace sparekey {

// What stands in a sheet's .json or .txt file. `sheet` as in CodesOutput::Deliver.
Result<SecretBytes> ExportSheet(const Json& sheet, bool as_json);

class CodesOutput {
 public:
  // Creates the file where a path is given; before any code is made.
  static Result<CodesOutput> Prepare(std::string_view option,
                                     const std::optional<std::string>& path);

  // `sheet` holds the API's "backup_codes", "sheet", "issued", "required", "host" and "account".
  // Where the file cannot be written the codes are shown instead, since they exist only here, and
  // the error is returned.
  Status Deliver(const Json& sheet, bool json);

 private:
  std::optional<NewFile> file_;
};

}  // namespace sparekey
