// SPDX-License-Identifier: Apache-2.0
// Makes the accounts that speed is measured with, for sparekey and for its peers:
//   bench_fill sparekey STATE_DIR KEY_FILE ACCOUNTS [UID]
//   bench_fill events STATE_DIR KEY_FILE ACCOUNTS EVENTS
//   bench_fill oath USERS_FILE ACCOUNTS totp|hotp
//   bench_fill google FOLDER ACCOUNTS totp|hotp
// sparekey's accounts have full sheets, and uids from UID on, or none. Their hashes are random:
// nobody has the codes. `events` adds so many logins to what is known of its accounts.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/base32.h"
#include "core/random.h"
#include "core/sqlite_store.h"
#include "tests/bench/population.h"

namespace sparekey::bench {
namespace {

constexpr std::uint64_t kAccountsACommit = 10'000;
constexpr int kCodesOnASheet = 10;

void Require(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

Sheet RandomSheet() {
  Sheet sheet;
  sheet.number = 1;
  sheet.issued = ReadClock();
  FillRandom(sheet.salt);
  for (int i = 0; i < kCodesOnASheet; ++i) {
    BackupCodeRecord code;
    code.first = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[i];
    FillRandom(code.hash);
    sheet.codes.push_back(code);
  }
  return sheet;
}

Account MakeAccount(std::uint64_t number, uid_t uid) {
  Authenticator phone;
  phone.label = "phone";
  phone.type = HasCounter(number) ? OtpType::kHotp : OtpType::kTotp;
  phone.digits = kDigits;
  phone.secret = SecretBytes(SecretOf(number));
  phone.created = ReadClock();
  Account account;
  account.name = NameOf(number);
  account.uid = uid;
  account.authenticators.push_back(std::move(phone));
  account.sheet = RandomSheet();
  account.sheets_issued = 1;
  return account;
}

void FillSparekey(const std::string& state_dir, const std::string& key_file, std::uint64_t count,
                  std::optional<uid_t> first_uid) {
  Require(MasterKey::Create(key_file));
  auto key = MasterKey::Load(key_file);
  if (!key) throw std::runtime_error(key.error().message);
  Require(CreateSqliteStore(state_dir, *key));
  auto store = OpenSqliteStore(state_dir, std::move(*key));
  if (!store) throw std::runtime_error(store.error().message);
  for (std::uint64_t next = 0; next < count;) {
    std::vector<Work> works;
    for (; next < count && works.size() < kAccountsACommit; ++next) {
      const uid_t uid = first_uid ? *first_uid + static_cast<uid_t>(next) : kNoUid;
      works.push_back({{{NameOf(next), uid}}, [next, uid](Records& records) -> Result<Changes> {
                         records.accounts[0].account = MakeAccount(next, uid);
                         Changes changes;
                         changes.accounts = {0};
                         return changes;
                       }});
    }
    (*store)->Run(works);
    for (const Work& work : works) Require(work.status);
    (*store)->Idle();
  }
}

Event LoginOf(std::uint64_t number) {
  Event event;
  event.account = NameOf(number);
  event.kind = EventKind::kLogin;
  event.door = Door::kSsh;
  event.remote_host = "192.0.2.1";
  event.time = ReadClock();
  return event;
}

void FillEvents(const std::string& state_dir, const std::string& key_file, std::uint64_t accounts,
                std::uint64_t count) {
  auto key = MasterKey::Load(key_file);
  if (!key) throw std::runtime_error(key.error().message);
  auto store = OpenSqliteStore(state_dir, std::move(*key));
  if (!store) throw std::runtime_error(store.error().message);
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t first = done;
    done = std::min(count, done + kAccountsACommit);
    Work work{{}, [accounts, first, done](Records&) -> Result<Changes> {
                Changes changes;
                for (std::uint64_t i = first; i < done; ++i) {
                  changes.events.push_back(LoginOf(Mix(i) % accounts));
                }
                return changes;
              }};
    (*store)->Run({&work, 1});
    Require(work.status);
    (*store)->Idle();
  }
}

std::string HexOf(std::uint64_t number) {
  std::string text;
  for (const std::uint8_t byte : SecretOf(number)) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

void FillOath(const std::string& path, std::uint64_t count, bool counter) {
  umask(0077);
  std::ofstream file(path, std::ios::trunc);
  for (std::uint64_t i = 0; i < count; ++i) {
    file << (counter ? "HOTP" : "HOTP/T30") << '\t' << NameOf(i) << "\t-\t" << HexOf(i) << '\n';
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

// As `google-authenticator -t -d -r 3 -R 30 -w 3` (or -c) writes it.
std::string GoogleFile(std::uint64_t number, bool counter) {
  const SecretBytes secret = EncodeBase32(SecretOf(number));
  std::string text(secret.ExposeText());
  text += "\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 3\n";
  text += counter ? "\" HOTP_COUNTER 1\n" : "\" DISALLOW_REUSE\n\" TOTP_AUTH\n";
  for (std::uint64_t i = 0; i < 5; ++i) {
    text += std::to_string(10'000'000 + Mix(number * 5 + i) % 90'000'000) + "\n";
  }
  return text;
}

void FillGoogle(const std::string& folder, std::uint64_t count, bool counter) {
  umask(0077);
  mkdir(folder.c_str(), 0700);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string path = folder + "/" + NameOf(i);
    std::ofstream file(path, std::ios::trunc);
    file << GoogleFile(i, counter);
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
    chmod(path.c_str(), 0600);
  }
}

int Main(const std::vector<std::string>& words) {
  if (words.size() < 4) {
    std::cerr << "bench_fill: see the top of tests/bench/fill.cc\n";
    return 2;
  }
  if (words[0] == "sparekey") {
    const auto uid =
        words.size() > 4 ? std::optional(static_cast<uid_t>(std::stoul(words[4]))) : std::nullopt;
    FillSparekey(words[1], words[2], std::stoull(words[3]), uid);
  } else if (words[0] == "events" && words.size() > 4) {
    FillEvents(words[1], words[2], std::stoull(words[3]), std::stoull(words[4]));
  } else if (words[0] == "oath") {
    FillOath(words[1], std::stoull(words[2]), words[3] == "hotp");
  } else {
    FillGoogle(words[1], std::stoull(words[2]), words[3] == "hotp");
  }
  sync();
  return 0;
}

}  // namespace
}  // namespace sparekey::bench

int main(int count, char** words) {
  try {
    return sparekey::bench::Main({words + 1, words + count});
  } catch (const std::exception& error) {
    std::cerr << "bench_fill: " << error.what() << '\n';
    return 1;
  }
}
