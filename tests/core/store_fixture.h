// SPDX-License-Identifier: Apache-2.0
// A store in a folder of its own, and the works that tests do on it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/sqlite_store.h"
#include "tests/support/accounts.h"

namespace sparekey::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sparekey-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline MasterKey TestKey(std::uint8_t first = 1) {
  std::array<std::uint8_t, kMasterKeyBytes> bytes{};
  bytes[0] = first;
  return MasterKey::FromBytes(bytes);
}

inline std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void WriteAll(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

inline Changes ChangesOf(std::vector<std::size_t> accounts) {
  Changes changes;
  changes.accounts = std::move(accounts);
  return changes;
}

inline Event EventOf(EventKind kind, std::string account = "ada", std::string detail = "") {
  Event event;
  event.kind = kind;
  event.account = std::move(account);
  event.detail = std::move(detail);
  event.time = kNow;
  return event;
}

inline Status RunOne(Store& store, Work work) {
  store.Run(std::span(&work, 1));
  return work.status;
}

inline AccountKey KeyOf(const Account& account) { return {account.name, account.uid}; }

// Makes `account` what is stored under its name.
inline Work Putting(const Account& account) {
  auto copy = std::make_shared<Account>(account.Clone());
  return {{KeyOf(account)}, [copy](Records& records) -> Result<Changes> {
            records.accounts[0].account = copy->Clone();
            return ChangesOf({0});
          }};
}

inline Status Put(Store& store, const Account& account) { return RunOne(store, Putting(account)); }

inline Result<LoadedAccount> Load(Store& store, const AccountKey& key) {
  LoadedAccount loaded;
  const Status status = RunOne(store, {{key}, [&](Records& records) -> Result<Changes> {
                                         loaded = std::move(records.accounts[0]);
                                         return Changes{};
                                       }});
  if (!status) return status.error();
  return loaded;
}

// One more failure of the account: a change that can be counted.
inline Work CountingUp(const AccountKey& key) {
  return {{key}, [](Records& records) -> Result<Changes> {
            if (!records.accounts[0].account) return Error{ErrorCode::kNotFound, "no account"};
            ++records.accounts[0].account->otp_failures;
            return ChangesOf({0});
          }};
}

inline Work LookingAt(const AccountKey& key, int& failures) {
  return {{key}, [&failures](Records& records) -> Result<Changes> {
            failures = records.accounts[0].account->otp_failures;
            return Changes{};
          }};
}

inline int Failures(Store& store, const AccountKey& key) {
  const Result<LoadedAccount> loaded = Load(store, key);
  return loaded && loaded->account ? loaded->account->otp_failures : -1;
}

// A store with ada (uid 1000) in it.
class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    EXPECT_TRUE(CreateSqliteStore(state(), TestKey()).ok());
    Open();
    EXPECT_TRUE(Put(*store_, MakeAccount()).ok());
  }

  std::string state() const { return folder_ / "state"; }
  std::string file() const { return state() + "/" + kStoreFile; }
  Store& store() { return *store_; }

  void Open() {
    store_.reset();
    Result<std::unique_ptr<Store>> store = OpenSqliteStore(state(), TestKey());
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(*store);
  }
  void Close() { store_.reset(); }

  const AccountKey ada_{"ada", 1000};

 private:
  TempFolder folder_;
  std::unique_ptr<Store> store_;
};

}  // namespace sparekey::testing
