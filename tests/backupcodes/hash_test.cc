// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "backupcodes/codes.h"

namespace sparekey {
namespace {

const TimePoint issued{std::chrono::seconds(1'795'000'000)};

SecretBytes Key(char fill = 'k') { return SecretBytes(std::string(32, fill)); }

NewSheet Make(int count, std::uint32_t number = 1) {
  auto made = MakeSheet(number, count, issued, Key(), FillRandom);
  EXPECT_TRUE(made);
  return *std::move(made);
}

std::optional<std::uint8_t> Match(std::string_view code, const Sheet& sheet) {
  const auto match = MatchBackupCode(BackupCode(code), sheet, Key());
  EXPECT_TRUE(match);
  return *match;
}

TEST(HashBackupCode, IsWhatItsDescriptionSays) {
  ASSERT_GE(sodium_init(), 0);
  const std::string code = "K7QM9TXR4HWDP2VN";
  std::array<std::uint8_t, 16> sheet_salt{};
  for (std::size_t i = 0; i < 16; ++i) sheet_salt[i] = static_cast<std::uint8_t>(i);
  const SecretBytes key = Key();

  std::array<unsigned char, 32> keyed{};
  crypto_generichash(keyed.data(), keyed.size(),
                     reinterpret_cast<const unsigned char*>(code.data()), code.size(),
                     key.Expose().data(), key.size());
  std::vector<unsigned char> salted(sheet_salt.begin(), sheet_salt.end());
  salted.push_back('K');
  std::array<unsigned char, 16> salt{};
  crypto_generichash(salt.data(), salt.size(), salted.data(), salted.size(), nullptr, 0);
  std::array<std::uint8_t, 16> expected{};
  ASSERT_EQ(crypto_pwhash_argon2id(expected.data(), expected.size(),
                                   reinterpret_cast<const char*>(keyed.data()), keyed.size(),
                                   salt.data(), 2, 19'922'944, crypto_pwhash_ALG_ARGON2ID13),
            0);
  const auto hash = HashBackupCode(BackupCode(code), sheet_salt, key);
  ASSERT_TRUE(hash);
  EXPECT_EQ(*hash, expected);
}

// A change here would make every sheet that was ever issued worthless.
TEST(HashBackupCode, StaysTheSameForEver) {
  const auto hash = HashBackupCode(BackupCode("K7QM9TXR4HWDP2VN"), {}, Key());
  ASSERT_TRUE(hash);
  std::string hex;
  for (const std::uint8_t byte : *hash) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  EXPECT_EQ(hex, "a5474d8c0d72412d87d88137a94ef360");
}

TEST(HashBackupCode, DependsOnCodeSaltAndKey) {
  const BackupCode code("K7QM9TXR4HWDP2VN");
  std::vector<Result<std::array<std::uint8_t, 16>>> hashes;
  hashes.push_back(HashBackupCode(code, {}, Key()));
  hashes.push_back(HashBackupCode(code, {1}, Key()));
  hashes.push_back(HashBackupCode(code, {}, Key('l')));
  hashes.push_back(HashBackupCode(BackupCode("K7QM9TXR4HWDP2VM"), {}, Key()));
  hashes.push_back(HashBackupCode(BackupCode("77QM9TXR4HWDP2VN"), {}, Key()));
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    ASSERT_TRUE(hashes[i]);
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(*hashes[i], *hashes[j]) << i << " " << j;
  }
}

TEST(HashBackupCode, RefusesCodesAndKeysOfTheWrongLength) {
  for (const std::size_t size : {0, 1, 15, 17, 10'240}) {
    const auto hash = HashBackupCode(BackupCode(std::string(size, 'A')), {}, Key());
    ASSERT_FALSE(hash);
    EXPECT_EQ(hash.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(hash.error().message, "a backup code has 16 characters");
  }
  for (const std::size_t size : {0, 15, 65}) {
    const auto hash =
        HashBackupCode(BackupCode("K7QM9TXR4HWDP2VN"), {}, SecretBytes(std::string(size, 'k')));
    ASSERT_FALSE(hash);
    EXPECT_EQ(hash.error().code, ErrorCode::kInvalid);
  }
}

std::size_t PagesMapped() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages;
}

// In a process of its own, which gets 8 MiB more than it has.
TEST(HashBackupCode, SaysSoWhereThereIsNoMemory) {
  const auto hash_without_memory = [] {
    const SecretBytes key = Key();
    const BackupCode code("K7QM9TXR4HWDP2VN");
    rlimit limit{};
    getrlimit(RLIMIT_AS, &limit);
    const rlim_t page = static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
    const rlimit tight{PagesMapped() * page + (8U << 20), limit.rlim_max};
    setrlimit(RLIMIT_AS, &tight);
    const auto hash = HashBackupCode(code, {}, key);
    setrlimit(RLIMIT_AS, &limit);
    std::exit(!hash && hash.error().code == ErrorCode::kUnavailable ? 0 : 1);
  };
  EXPECT_EXIT(hash_without_memory(), testing::ExitedWithCode(0), "");
}

TEST(MakeSheet, HoldsTheHashesOfItsCodes) {
  const NewSheet made = Make(5, 7);
  EXPECT_EQ(made.sheet.number, 7U);
  EXPECT_EQ(made.sheet.issued, issued);
  EXPECT_TRUE(made.sheet.last_spent.empty());
  ASSERT_EQ(made.sheet.codes.size(), 5U);
  ASSERT_EQ(made.codes.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto hash = HashBackupCode(made.codes[i], made.sheet.salt, Key());
    ASSERT_TRUE(hash);
    EXPECT_EQ(made.sheet.codes[i].hash, *hash);
    EXPECT_EQ(made.sheet.codes[i].first, made.codes[i].ExposeText()[0]);
    EXPECT_FALSE(made.sheet.codes[i].spent);
  }
}

TEST(MakeSheet, TakesANewSaltEachTime) { EXPECT_NE(Make(2).sheet.salt, Make(2).sheet.salt); }

TEST(MakeSheet, MakesTheSmallestAndTheLargestSheet) {
  EXPECT_EQ(Make(2).sheet.CodesLeft(), 2);
  EXPECT_EQ(Make(30).sheet.CodesLeft(), 30);
}

TEST(MakeSheet, NamesTheRangeThatWasLeft) {
  for (const int count : {-1, 0, 1, 31, 1000}) {
    const auto made = MakeSheet(1, count, issued, Key(), FillRandom);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(made.error().message, "a sheet has 2..30 backup codes, not " + std::to_string(count));
  }
}

TEST(MakeSheet, MakesNoneWithoutAKey) {
  EXPECT_FALSE(MakeSheet(1, 2, issued, SecretBytes(), FillRandom));
}

TEST(MatchBackupCode, FindsEveryCodeOfTheSheetSpentOrNot) {
  NewSheet made = Make(10);
  made.sheet.codes[3].spent = true;
  for (std::size_t i = 0; i < made.codes.size(); ++i) {
    EXPECT_EQ(Match(made.codes[i].ExposeText(), made.sheet), i);
  }
}

TEST(MatchBackupCode, FindsNothingForACodeWithOneWrongCharacter) {
  const NewSheet made = Make(2);
  for (std::size_t place = 0; place < kBackupCodeLength; ++place) {
    std::string code(made.codes[0].ExposeText());
    code[place] = code[place] == 'X' ? 'Y' : 'X';
    EXPECT_FALSE(Match(code, made.sheet)) << place;
  }
}

TEST(MatchBackupCode, FindsNothingForACodeOfAnotherSheet) {
  const NewSheet one = Make(10);
  const NewSheet other = Make(10);
  for (const BackupCode& code : one.codes) EXPECT_FALSE(Match(code.ExposeText(), other.sheet));
}

TEST(MatchBackupCode, FindsNothingWhereAHashWasMovedToAnotherSheet) {
  const NewSheet one = Make(2);
  NewSheet other = Make(2);
  other.sheet.codes = one.sheet.codes;
  EXPECT_FALSE(Match(one.codes[0].ExposeText(), other.sheet));
}

TEST(MatchBackupCode, FindsNothingUnderAnotherKey) {
  const NewSheet made = Make(2);
  const auto match = MatchBackupCode(made.codes[0], made.sheet, Key('l'));
  ASSERT_TRUE(match);
  EXPECT_FALSE(*match);
}

TEST(MatchBackupCode, FindsNothingInAnEmptySheet) {
  EXPECT_FALSE(Match("K7QM9TXR4HWDP2VN", Sheet{}));
}

TEST(MatchBackupCode, CannotDecideWithoutAKeyOrWithoutACode) {
  const NewSheet made = Make(2);
  EXPECT_FALSE(MatchBackupCode(made.codes[0], made.sheet, SecretBytes()));
  EXPECT_FALSE(MatchBackupCode(BackupCode(), made.sheet, Key()));
}

// Processor time of this thread.
double Milliseconds(const std::function<bool()>& work) {
  const auto read = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
  };
  const double begin = read();
  EXPECT_TRUE(work());
  return read() - begin;
}

// The code with a first character that the sheet does not have.
std::string WithUnknownFirst(std::string code, const Sheet& sheet) {
  for (const char c : std::string_view("0123456789ABCDEFGHJKMNPQRSTVWXYZ")) {
    const auto has = [c](const BackupCodeRecord& record) { return record.first == c; };
    if (std::none_of(sheet.codes.begin(), sheet.codes.end(), has)) code[0] = c;
  }
  return code;
}

TEST(MatchBackupCode, CostsOneHashWhateverTheCode) {
  const NewSheet made = Make(10);
  const std::string right(made.codes[0].ExposeText());
  const std::string wrong = right.substr(0, 15) + (right[15] == 'X' ? 'Y' : 'X');
  std::vector<std::function<bool()>> works;
  works.emplace_back([&] { return HashBackupCode(made.codes[0], {}, Key()).ok(); });
  for (const std::string& text : {right, std::string(made.codes[9].ExposeText()), wrong,
                                  WithUnknownFirst(right, made.sheet)}) {
    works.emplace_back(
        [&made, text] { return MatchBackupCode(BackupCode(text), made.sheet, Key()).ok(); });
  }
  // The best of some rounds in turn: none is as much as half a hash away from another.
  std::vector<double> best(works.size(), 1e9);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      best[i] = std::min(best[i], Milliseconds(works[i]));
    }
  }
  const auto [low, high] = std::minmax_element(best.begin(), best.end());
  EXPECT_LT(*high, *low * 1.5);
}

}  // namespace
}  // namespace sparekey
