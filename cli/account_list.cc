// SPDX-License-Identifier: Apache-2.0
#include "cli/account_list.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "cli/api.h"
#include "cli/text.h"
#include "core/base32.h"
#include "core/files.h"

namespace sparekey {
namespace {

enum Column { kAccount, kLabel, kType, kDigits, kInterval, kAlgorithm, kSecret, kCounter };
constexpr std::array<std::string_view, 8> kColumns = {"account",  "label",     "type",   "digits",
                                                      "interval", "algorithm", "secret", "counter"};
constexpr std::string_view kPossible =
    "account, label, type, digits, interval, algorithm, secret, counter";
constexpr std::size_t kMostMistakes = 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // spreadsheets begin with it

std::optional<std::size_t> FindColumn(std::string_view name) {
  const auto* found = std::find(kColumns.begin(), kColumns.end(), name);
  if (found == kColumns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kColumns.begin());
}

// A pipe can be read once only.
Result<UniqueFd> CopyToMemory(int from, const std::string& name) {
  UniqueFd copy(memfd_create("sparekey-list", MFD_CLOEXEC));
  if (!copy) return SystemError(name, "keep");
  SecretBytes buffer(64 * 1024);
  for (;;) {
    const ssize_t got = read(from, buffer.Expose().data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(name, "read");
    if (got == 0) return copy;
    const Status kept =
        WriteAll(copy.get(), buffer.Expose().first(static_cast<std::size_t>(got)), name);
    if (!kept) return kept.error();
  }
}

// JSON lines begin with an object.
Result<bool> BeginsWithBrace(int fd, const std::string& name) {
  std::array<char, 512> begin{};
  const ssize_t got = pread(fd, begin.data(), begin.size(), 0);
  if (got < 0) return SystemError(name, "read");
  std::string_view text(begin.data(), static_cast<std::size_t>(got));
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text.starts_with('{');
}

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text, Number low, Number high) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high) {
    return std::nullopt;
  }
  return number;
}

// What is wrong with a column, or "".
template <typename Value>
std::string Take(std::string_view cell, std::optional<Value> value, std::optional<Value>& slot,
                 std::string_view possible) {
  if (cell.empty()) return "";
  slot = std::move(value);
  return slot ? "" : "'" + Escape(cell) + "' is not " + std::string(possible);
}

std::string TakeAccount(std::string_view cell, ListEntry& entry) {
  entry.account = cell;
  if (cell.empty()) return "is missing";
  return IsAccountName(cell) ? "" : "'" + Escape(cell) + "' cannot be an account's name";
}

std::string TakeLabel(std::string_view cell, ListEntry& entry) {
  const bool possible = IsNewLabel(cell) && Escape(cell) == cell;
  return Take(cell, possible ? std::optional<std::string>(cell) : std::nullopt, entry.label,
              "1 to 64 bytes of UTF-8 without colon, slash and control characters");
}

std::string TakeSecret(std::string_view cell, ListEntry& entry) {
  if (cell.empty()) return "";
  auto secret = DecodeBase32(cell);
  if (!secret || secret->size() < 16 || secret->size() > 64) {
    return "is not base32 of 16 to 64 bytes";
  }
  entry.secret = std::move(*secret);
  return "";
}

std::string TakeInterval(std::string_view cell, ListEntry& entry) {
  if (cell.empty()) return "";
  const auto seconds = ParseNumber(cell, 5, 3600);
  if (!seconds) return "'" + Escape(cell) + "' is not 5 to 3600";
  if (entry.type == OtpType::kHotp) return "is for totp; hotp counts";
  entry.interval = std::chrono::seconds(*seconds);
  return "";
}

std::string TakeCell(std::size_t column, std::string_view cell, ListEntry& entry) {
  switch (column) {
    case kAccount:
      return TakeAccount(cell, entry);
    case kLabel:
      return TakeLabel(cell, entry);
    case kType:
      return Take(cell, ParseOtpType(cell), entry.type, "totp or hotp");
    case kDigits:
      return Take(cell, ParseNumber(cell, 6, 8), entry.digits, "6 to 8");
    case kInterval:
      return TakeInterval(cell, entry);
    case kAlgorithm:
      return Take(cell, ParseHashAlgorithm(cell), entry.algorithm, "sha1, sha256 or sha512");
    case kSecret:
      return TakeSecret(cell, entry);
    default:
      return Take(cell, ParseNumber<std::int64_t>(cell, 0, 2'000'000'000), entry.counter,
                  "0 to 2000000000");
  }
}

// Texts and whole numbers; nullopt: another kind.
std::optional<std::string> CellOf(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  return std::nullopt;
}

}  // namespace

Result<AccountList> AccountList::Open(const std::string& path) {
  const bool is_input = path == "-";
  const std::string name = is_input ? "standard input" : path;
  UniqueFd fd(is_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                       : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Invalid(SystemError(Escape(name), "read").message);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return SystemError(Escape(name), "look at");
  if (S_ISDIR(info.st_mode)) return Invalid(Escape(name) + " is a folder");
  if (!S_ISREG(info.st_mode) || is_input) {
    auto copy = CopyToMemory(fd.get(), name);
    if (!copy) return copy.error();
    fd = std::move(*copy);
  }
  AccountList list(Escape(name), std::move(fd));
  const auto is_json = BeginsWithBrace(list.fd_.get(), list.name_);
  if (!is_json) return is_json.error();
  list.is_json_ = *is_json || path.ends_with(".jsonl") || path.ends_with(".ndjson");
  const Status begun = list.Rewind();
  if (!begun) return begun.error();
  return list;
}

Status AccountList::Rewind() {
  const off_t mark = static_cast<off_t>(kByteOrderMark.size());
  std::array<char, 3> begin{};
  const bool marked = pread(fd_.get(), begin.data(), begin.size(), 0) == mark &&
                      std::string_view(begin.data(), begin.size()) == kByteOrderMark;
  if (lseek(fd_.get(), marked ? mark : 0, SEEK_SET) < 0) return SystemError(name_, "read");
  lines_.emplace(fd_.get());
  rows_ = std::make_unique<CsvRows>();
  ended_.reset();
  return is_json_ ? Ok() : ReadHeader();
}

Error AccountList::Wrong(std::size_t line, std::string_view column, const std::string& what) const {
  const std::string where = name_ + ", line " + std::to_string(line);
  return Invalid(where + (column.empty() ? ": " : ", " + std::string(column) + ": ") + what);
}

// The next row of CSV, from however many lines.
Result<std::optional<CsvRow>> AccountList::NextRow() {
  for (;;) {
    const auto line = lines_->Next();
    if (!line) {
      ended_ = Error{line.error().code, name_ + ", " + line.error().message};
      return *ended_;
    }
    if (!*line) {
      if (!rows_->IsWithinRow()) return std::optional<CsvRow>();
      ended_ = Wrong(row_line_, "", "a quote is never closed");
      return *ended_;
    }
    if (!rows_->IsWithinRow()) row_line_ = lines_->number();
    auto row = rows_->Add(**line);
    if (!row) return Wrong(row_line_, "", row.error().message);
    if (*row) return row;
  }
}

Status AccountList::ReadHeader() {
  auto row = NextRow();
  if (!row) return row.error();
  if (!*row) return Invalid(name_ + ": is empty; its first line must name the columns");
  header_.clear();
  for (const std::string& name : (*row)->fields) {
    const auto column = FindColumn(name);
    if (!column) {
      return Wrong(
          row_line_, "",
          "there is no column '" + Escape(name) + "'; possible: " + std::string(kPossible));
    }
    if (std::count(header_.begin(), header_.end(), *column) != 0) {
      return Wrong(row_line_, "", "the column " + name + " stands twice");
    }
    header_.push_back(*column);
  }
  if (std::count(header_.begin(), header_.end(), kAccount) == 0) {
    return Wrong(row_line_, "", "the column account is missing");
  }
  return Ok();
}

Result<ListEntry> AccountList::MakeEntry(std::size_t line,
                                         const std::vector<std::string_view>& cells) const {
  ListEntry entry;
  entry.line = line;
  // The type first: what fits it depends on it.
  for (const std::size_t column :
       {std::size_t{kType}, std::size_t{kAccount}, std::size_t{kLabel}, std::size_t{kDigits},
        std::size_t{kInterval}, std::size_t{kAlgorithm}, std::size_t{kSecret},
        std::size_t{kCounter}}) {
    const std::string wrong = TakeCell(column, cells[column], entry);
    if (!wrong.empty()) return Wrong(line, kColumns[column], wrong);
  }
  return entry;
}

Result<std::optional<ListEntry>> AccountList::NextJson() {
  for (;;) {
    const auto line = lines_->Next();
    if (!line) {
      ended_ = Error{line.error().code, name_ + ", " + line.error().message};
      return *ended_;
    }
    if (!*line) return std::optional<ListEntry>();
    if ((*line)->find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::size_t number = lines_->number();
    const SecretJson object(Json::parse((*line)->begin(), (*line)->end(), nullptr, false));
    if (!object.Expose().is_object()) return Wrong(number, "", "is not one JSON object");
    CsvRow texts;  // wiped
    texts.fields.resize(kColumns.size());
    for (const auto& [key, value] : object.Expose().items()) {
      const auto column = FindColumn(key);
      if (!column) {
        return Wrong(
            number, "",
            "there is no member '" + Escape(key) + "'; possible: " + std::string(kPossible));
      }
      auto cell = CellOf(value);
      if (!cell) return Wrong(number, key, "must be a text or a whole number");
      texts.fields[*column] = std::move(*cell);
    }
    auto entry = MakeEntry(number, {texts.fields.begin(), texts.fields.end()});
    if (!entry) return entry.error();
    return std::optional(std::move(*entry));
  }
}

Result<std::optional<ListEntry>> AccountList::Next() {
  if (ended_) return *ended_;
  if (is_json_) return NextJson();
  const auto row = NextRow();
  if (!row) return row.error();
  if (!*row) return std::optional<ListEntry>();
  const auto& fields = (*row)->fields;
  if (fields.size() != header_.size()) {
    return Wrong(row_line_, "",
                 "has " + std::to_string(fields.size()) + " columns; the header has " +
                     std::to_string(header_.size()));
  }
  std::vector<std::string_view> cells(kColumns.size());
  for (std::size_t i = 0; i < fields.size(); ++i) cells[header_[i]] = fields[i];
  auto entry = MakeEntry(row_line_, cells);
  if (!entry) return entry.error();
  return std::optional(std::move(*entry));
}

namespace {

void AddMistake(ListCheck& check, std::string line) {
  if (check.mistakes.size() < kMostMistakes) return check.mistakes.push_back(std::move(line));
  ++check.more;
}

// By 64 bits of a hash: two names of a million share them once in 37 million lists.
struct Named {
  std::size_t hash;
  std::size_t line;
  auto operator<=>(const Named&) const = default;
};

void AddDoubles(std::vector<Named>& names, const std::string& list, ListCheck& check) {
  std::sort(names.begin(), names.end());
  for (std::size_t i = 1; i < names.size(); ++i) {
    if (names[i].hash != names[i - 1].hash) continue;
    AddMistake(check, list + ", line " + std::to_string(names[i].line) +
                          ", account: stands in line " + std::to_string(names[i - 1].line) +
                          " already");
  }
}

}  // namespace

Result<ListCheck> CheckList(AccountList& list,
                            const std::function<Status(const ListEntry& entry)>& check) {
  ListCheck found;
  std::vector<Named> names;
  while (!list.IsBroken()) {
    const auto entry = list.Next();
    if (!entry && entry.error().code != ErrorCode::kInvalid) return entry.error();
    if (!entry) AddMistake(found, entry.error().message);
    if (!entry) continue;
    if (!*entry) break;
    ++found.accounts;
    names.push_back({std::hash<std::string>()((*entry)->account), (*entry)->line});
    const Status possible = check(**entry);
    if (!possible) AddMistake(found, possible.error().message);
  }
  AddDoubles(names, list.name(), found);
  const Status again = list.Rewind();
  if (!again) return again.error();
  return found;
}

}  // namespace sparekey
