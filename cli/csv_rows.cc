// SPDX-License-Identifier: Apache-2.0
#include "cli/csv_rows.h"

#include <csv.h>

#include <new>
#include <span>
#include <utility>

#include "cli/line_reader.h"
#include "core/secret.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostFields = 64;

// RFC 4180: spaces are part of a field.
int IsNoSpace(unsigned char) { return 0; }

}  // namespace

CsvRow::~CsvRow() {
  for (std::string& field : fields) Wipe(std::span<char>(field));
}

struct CsvRows::Parser {
  Parser() { Begin(); }
  ~Parser() { End(); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void Begin() {
    if (csv_init(&csv, CSV_STRICT) != 0) throw std::bad_alloc();
    csv_set_space_func(&csv, IsNoSpace);
    csv_set_blk_size(&csv, 2 * kLongestListLine);  // so that a field is never moved in memory
    row = CsvRow();
    taken = 0;
    ended = false;
  }
  void End() {
    if (csv.entry_buf != nullptr) Wipe(std::span(csv.entry_buf, csv.entry_size));
    csv_free(&csv);
  }
  bool Feed(std::string_view text) {
    taken += text.size();
    return csv_parse(&csv, text.data(), text.size(), TakeField, TakeEnd, this) == text.size();
  }

  static void TakeField(void* field, std::size_t size, void* self) {
    auto& fields = static_cast<Parser*>(self)->row.fields;
    if (fields.size() <= kMostFields) fields.emplace_back(static_cast<const char*>(field), size);
  }
  static void TakeEnd(int, void* self) { static_cast<Parser*>(self)->ended = true; }

  csv_parser csv{};
  CsvRow row;
  std::size_t taken = 0;  // bytes of the row
  bool ended = false;
};

CsvRows::CsvRows() : parser_(std::make_unique<Parser>()) {}
CsvRows::~CsvRows() = default;

bool CsvRows::IsWithinRow() const { return parser_->taken != 0; }

Result<std::optional<CsvRow>> CsvRows::Add(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  Parser& parser = *parser_;
  if (line.empty() && !IsWithinRow()) return std::optional<CsvRow>();
  const bool fits = parser.taken + line.size() <= kLongestListLine;
  if (!fits || !parser.Feed(line) || !parser.Feed("\n")) {
    parser.End();
    parser.Begin();
    return fits ? Invalid("a quote stands where none may")
                : Invalid("longer than " + std::to_string(kLongestListLine) +
                          " bytes; is a quote missing?");
  }
  if (!parser.ended) return std::optional<CsvRow>();
  parser.ended = false;
  parser.taken = 0;
  return std::optional(std::exchange(parser.row, CsvRow()));
}

}  // namespace sparekey
