// SPDX-License-Identifier: Apache-2.0
#include "backupcodes/codes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

namespace sparekey {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

std::optional<std::string> Parse(std::string_view text) {
  const auto code = ParseBackupCode(text);
  if (!code) return std::nullopt;
  return std::string(code->ExposeText());
}

// Always the same numbers, evenly distributed.
RandomSource FakeRandom(std::uint64_t seed = 1) {
  return [generator = std::mt19937_64(seed)](std::span<std::uint8_t> bytes) mutable {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(generator() >> 32);
  };
}

RandomSource Constant(std::uint8_t value) {
  return [value](std::span<std::uint8_t> bytes) { std::fill(bytes.begin(), bytes.end(), value); };
}

std::set<char> FirstCharacters(const std::vector<BackupCode>& codes) {
  std::set<char> first;
  for (const BackupCode& code : codes) first.insert(code.ExposeText()[0]);
  return first;
}

TEST(ParseBackupCode, ReadsItAsItIsPrinted) {
  EXPECT_EQ(Parse("K7QM-9TXR-4HWD-P2VN"), "K7QM9TXR4HWDP2VN");
}

TEST(ParseBackupCode, ReadsItAsPeopleTypeIt) {
  for (const auto* text :
       {"k7qm-9txr-4hwd-p2vn", "K7QM9TXR4HWDP2VN", "k7qm 9txr 4hwd p2vn",
        " K7QM - 9TXR - 4HWD - P2VN ", "K-7-Q-M9TXR4HWDP2VN--", "K7qM9tXr4hWdP2vN"}) {
    EXPECT_EQ(Parse(text), "K7QM9TXR4HWDP2VN") << text;
  }
}

TEST(ParseBackupCode, ReadsLettersThatLookLikeDigits) {
  EXPECT_EQ(Parse("OoIi-LlOo-0011-AAAA"),
            "0011110000"
            "11AAAA");
}

TEST(ParseBackupCode, ReadsEveryCharacterOfTheAlphabet) {
  EXPECT_EQ(Parse(kAlphabet.substr(0, 16)), kAlphabet.substr(0, 16));
  EXPECT_EQ(Parse(kAlphabet.substr(16)), kAlphabet.substr(16));
}

TEST(ParseBackupCode, RefusesWhatIsNoBackupCode) {
  for (const std::string& text : std::vector<std::string>{"",
                                                          "-",
                                                          "    ",
                                                          "123456",
                                                          "12345678",
                                                          "recover",
                                                          "K7QM-9TXR-4HWD-P2V",
                                                          "K7QM-9TXR-4HWD-P2VNN",
                                                          "K7QM-9TXR-4HWD-P2VU",
                                                          "u7QM-9TXR-4HWD-P2VN",
                                                          "K7QM-9TXR-4HWD-P2V_",
                                                          "K7QM.9TXR.4HWD.P2VN",
                                                          "K7QM-9TXR-4HWD-P2VN\n",
                                                          "K7QM\t9TXR-4HWD-P2VN",
                                                          "K7QM-9TXR-4HWD-P2V@",
                                                          "K7QM-9TXR-4HWD-P2V[",
                                                          "K7QM-9TXR-4HWD-P2V`",
                                                          "K7QM-9TXR-4HWD-P2V{",
                                                          "K7QM-9TXR-4HWD-P2V/",
                                                          "K7QM-9TXR-4HWD-P2V:",
                                                          "K7QM-9TXR-4HWD-P2V\xc3\x84",
                                                          "\xff\xfe\xfd",
                                                          std::string("K7QM-9TXR-4HWD-P2V\0", 19),
                                                          std::string("K7QM-9TXR-4HWD-P2VN\0", 20),
                                                          std::string(10'240, 'A'),
                                                          std::string(10'240, '-'),
                                                          "../../../etc/passwd"}) {
    EXPECT_FALSE(Parse(text)) << text;
  }
}

TEST(FormatBackupCode, MakesFourGroups) {
  EXPECT_EQ(FormatBackupCode(BackupCode("K7QM9TXR4HWDP2VN")).ExposeText(), "K7QM-9TXR-4HWD-P2VN");
}

TEST(FormatBackupCode, StandsOtherLengths) {
  EXPECT_EQ(FormatBackupCode(BackupCode("")).ExposeText(), "");
  EXPECT_EQ(FormatBackupCode(BackupCode("K7QM")).ExposeText(), "K7QM");
  EXPECT_EQ(FormatBackupCode(BackupCode("K7QM9")).ExposeText(), "K7QM-9");
}

TEST(FormatBackupCode, IsReadBackForEveryGeneratedCode) {
  for (const BackupCode& code : GenerateBackupCodes(30, FillRandom)) {
    const auto back = ParseBackupCode(FormatBackupCode(code).ExposeText());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->ExposeText(), code.ExposeText());
  }
}

TEST(GenerateBackupCodes, GivesDifferentFirstCharactersOverManySheets) {
  for (int round = 0; round < 2000; ++round) {
    const int count = 2 + round % 29;
    const auto codes = GenerateBackupCodes(count, FillRandom);
    ASSERT_EQ(codes.size(), static_cast<std::size_t>(count));
    ASSERT_EQ(FirstCharacters(codes).size(), static_cast<std::size_t>(count));
  }
}

TEST(GenerateBackupCodes, GivesDifferentFirstCharactersEvenFromABadSource) {
  for (const int value : {0, 7, 31, 32, 255}) {
    const auto codes = GenerateBackupCodes(30, Constant(static_cast<std::uint8_t>(value)));
    EXPECT_EQ(FirstCharacters(codes).size(), 30U);
  }
}

TEST(GenerateBackupCodes, UsesTheAlphabetOnly) {
  for (const BackupCode& code : GenerateBackupCodes(30, FillRandom)) {
    EXPECT_EQ(code.ExposeText().find_first_not_of(kAlphabet), std::string_view::npos);
    EXPECT_EQ(code.size(), kBackupCodeLength);
  }
}

TEST(GenerateBackupCodes, SaysWhatTheSourceSays) {
  // Draws that are all equal leave the alphabet in order; byte 33 means character 1.
  const auto codes = GenerateBackupCodes(2, Constant(33));
  EXPECT_EQ(codes[0].ExposeText(), "0111111111111111");
  EXPECT_EQ(codes[1].ExposeText(), "1111111111111111");
}

TEST(GenerateBackupCodes, AsksForNoMoreThanItNeeds) {
  std::size_t asked = 0;
  (void)GenerateBackupCodes(10, [&](std::span<std::uint8_t> bytes) {
    asked += bytes.size();
    FillRandom(bytes);
  });
  EXPECT_EQ(asked, 32U * 8 + 10 * 16);
}

TEST(GenerateBackupCodes, MakesAtMostAsManyAsThereAreFirstCharacters) {
  EXPECT_EQ(GenerateBackupCodes(33, FillRandom).size(), 32U);
  EXPECT_EQ(GenerateBackupCodes(0, FillRandom).size(), 0U);
  EXPECT_EQ(GenerateBackupCodes(-1, FillRandom).size(), 0U);
}

// Chi-squared with 31 degrees of freedom is above 61 once in a thousand times; the source is fixed,
// so that the outcome is too.
double ChiSquared(const std::map<char, int>& counts, int total) {
  const double expected = total / 32.0;
  double sum = 0;
  for (const char c : kAlphabet) {
    const double difference = (counts.contains(c) ? counts.at(c) : 0) - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

TEST(GenerateBackupCodes, ChoosesEveryCharacterEquallyOftenAtEveryPlace) {
  constexpr int kSheets = 4000;
  constexpr int kCodes = 10;
  const RandomSource random = FakeRandom();
  std::vector<std::map<char, int>> by_place(kBackupCodeLength);
  std::vector<std::map<char, int>> first_by_code(kCodes);
  for (int sheet = 0; sheet < kSheets; ++sheet) {
    const auto codes = GenerateBackupCodes(kCodes, random);
    for (std::size_t i = 0; i < kCodes; ++i) {
      const std::string_view text = codes[i].ExposeText();
      ++first_by_code[i][text[0]];
      for (std::size_t place = 0; place < kBackupCodeLength; ++place)
        ++by_place[place][text[place]];
    }
  }
  for (const auto& counts : by_place) EXPECT_LT(ChiSquared(counts, kSheets * kCodes), 61);
  for (const auto& counts : first_by_code) EXPECT_LT(ChiSquared(counts, kSheets), 61);
}

TEST(GenerateBackupCodes, NeverRepeatsACode) {
  std::set<std::string> seen;
  for (int sheet = 0; sheet < 1000; ++sheet) {
    for (const BackupCode& code : GenerateBackupCodes(10, FillRandom)) {
      EXPECT_TRUE(seen.emplace(code.ExposeText()).second);
    }
  }
}

}  // namespace
}  // namespace sparekey
