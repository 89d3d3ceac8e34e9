// SPDX-License-Identifier: Apache-2.0
// Edits the file of a store that nobody has open, as somebody with root's rights or a failing disk
// would.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <string>

namespace sparekey::testing {

// `row` hears each row of the result. Returns how many rows were changed.
inline int EditStoreFile(const std::string& file, const std::string& sql,
                         int (*row)(void*, int, char**, char**) = nullptr, void* with = nullptr) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), row, with, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  const int changed = sqlite3_total_changes(database);
  sqlite3_close(database);
  return changed;
}

inline std::size_t RootPageOf(const std::string& file, const std::string& tree) {
  std::size_t page = 0;
  const auto keep = [](void* number, int, char** columns, char**) {
    *static_cast<std::size_t*>(number) = std::stoul(columns[0]);
    return 0;
  };
  EditStoreFile(file, "SELECT rootpage FROM sqlite_schema WHERE name='" + tree + "'", keep, &page);
  EXPECT_GT(page, 1u) << tree;
  return page;
}

// Overwrites the first page of a table or index.
inline void BreakStoreFile(const std::string& file, const std::string& tree) {
  constexpr std::size_t kPageBytes = 4096;
  const auto start = static_cast<std::streamoff>((RootPageOf(file, tree) - 1) * kPageBytes);
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(start);
  out << std::string(kPageBytes, '\xee');
  EXPECT_TRUE(out.good());
}

}  // namespace sparekey::testing
