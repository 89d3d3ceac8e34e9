// SPDX-License-Identifier: Apache-2.0
#include "core/base32.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/random.h"

namespace sparekey {
namespace {

std::string Encode(std::string_view bytes) {
  return std::string(EncodeBase32(SecretBytes(bytes).Expose()).ExposeText());
}

std::optional<std::string> Decode(std::string_view text) {
  const auto bytes = DecodeBase32(text);
  if (!bytes) return std::nullopt;
  return std::string(bytes->ExposeText());
}

// RFC 4648 section 10.
const std::vector<std::pair<std::string, std::string>> kVectors{{"", ""},
                                                                {"f", "MY======"},
                                                                {"fo", "MZXQ===="},
                                                                {"foo", "MZXW6==="},
                                                                {"foob", "MZXW6YQ="},
                                                                {"fooba", "MZXW6YTB"},
                                                                {"foobar", "MZXW6YTBOI======"}};

TEST(EncodeBase32, GivesTheVectorsOfRfc4648WithoutPadding) {
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(Encode(bytes), text.substr(0, text.find('='))) << bytes;
  }
}

TEST(DecodeBase32, ReadsTheVectorsOfRfc4648WithAndWithoutPadding) {
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(Decode(text), bytes) << text;
    EXPECT_EQ(Decode(text.substr(0, text.find('='))), bytes) << text;
  }
}

TEST(DecodeBase32, ReadsAnyCaseSpacesAndDashes) {
  for (const auto* text :
       {"mzxw6ytboi", "MZXW 6YTB OI", "mzxw-6ytb-oi== ", " M Z-XW6YTBOI =-=", "MzXw6YtBoI"}) {
    EXPECT_EQ(Decode(text), "foobar") << text;
  }
}

TEST(DecodeBase32, ReadsEveryCharacterOfTheAlphabet) {
  EXPECT_EQ(Decode("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), Decode("abcdefghijklmnopqrstuvwxyz234567"));
  const auto all = Decode("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
  ASSERT_TRUE(all);
  EXPECT_EQ(Encode(*all), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}

TEST(DecodeBase32, RefusesWhatIsNotBase32) {
  const std::vector<std::string> bad{"M",  // 5 bits only
                                     "A",
                                     "AAA",
                                     "AAAAAA",
                                     "MZXW6YTBA",   // impossible lengths of zero bits
                                     "MZX",         // 15 bits: two bytes need 16
                                     "MZXW6Y",      // 30 bits
                                     "MZXW6YTBO",   // a character too many
                                     "MZ",          // left-over bits that are not zero
                                     "MZXR",        // the same after two bytes
                                     "MZXW7",       // the same after three bytes
                                     "MZXW6YR",     // the same after four bytes
                                     "MY=A",        // something after the padding
                                     "MY======MY",  // two values
                                     "MZXW6YT0",
                                     "MZXW6YT1",
                                     "MZXW6YT8",
                                     "MZXW6YT9",
                                     "MZXW6YT@",
                                     "MZXW6YT[",
                                     "MZXW6YT`",
                                     "MZXW6YT{",
                                     "MZXW6YT/",
                                     "MZXW6YT:",
                                     "MZXW\t6YTB",
                                     "MZXW\n6YTB",
                                     "MZXW6YTB\xc3\xa4",
                                     "\xff\xfe",
                                     std::string("MZXW\0"
                                                 "6YTB",
                                                 9)};
  for (const std::string& text : bad) EXPECT_FALSE(Decode(text)) << text;
}

TEST(Base32, GivesBackRandomBytesOfEveryLength) {
  for (std::size_t size = 0; size <= 100; ++size) {
    SecretBytes bytes(size);
    FillRandom(bytes.Expose());
    const auto back = DecodeBase32(EncodeBase32(bytes.Expose()).ExposeText());
    ASSERT_TRUE(back) << size;
    EXPECT_EQ(back->ExposeText(), bytes.ExposeText()) << size;
  }
}

TEST(Base32, StandsAHugeText) {
  const std::string text(10'240, 'A');
  EXPECT_EQ(Decode(text)->size(), 6400U);
  EXPECT_EQ(Decode(std::string(10'240, '-')), "");
}

}  // namespace
}  // namespace sparekey
