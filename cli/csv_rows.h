// SPDX-License-Identifier: Apache-2.0
// Rows of CSV (RFC 4180) from lines, by libcsv: a row may stand on several lines where a field is
// quoted.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace sparekey {

// Wiped when it goes.
struct CsvRow {
  CsvRow() = default;
  CsvRow(CsvRow&&) = default;
  CsvRow& operator=(CsvRow&&) = default;
  CsvRow(const CsvRow&) = delete;
  CsvRow& operator=(const CsvRow&) = delete;
  ~CsvRow();
  std::vector<std::string> fields;
};

class CsvRows {
 public:
  CsvRows();
  ~CsvRows();
  CsvRows(const CsvRows&) = delete;
  CsvRows& operator=(const CsvRows&) = delete;

  // The row that ends with this line; nullopt: none does. kInvalid: no CSV; the next line begins a
  // new row.
  Result<std::optional<CsvRow>> Add(std::string_view line);
  bool IsWithinRow() const;  // a quoted field goes on with the next line

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace sparekey
