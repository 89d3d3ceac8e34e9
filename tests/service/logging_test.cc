// SPDX-License-Identifier: Apache-2.0
#include "service/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

namespace sparekey {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(EscapeForLog, MakesHarmfulTextVisible) {
  using std::string_literals::operator""s;
  const std::pair<std::string, std::string> texts[] = {
      {"", ""},
      {"ada", "ada"},
      {"user 'ada' from ::1", "user 'ada' from ::1"},
      {"a\nb\r\tc", "a\\nb\\r\\tc"},
      {"a\0b"s, "a\\x00b"},
      {"\x1b[31mred\x7f", "\\x1b[31mred\\x7f"},
      {"a\\nb", "a\\\\nb"},
      {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91"},
      {"\xc2\x85\xc2\x9b", "\\u0085\\u009b"},  // C1 controls
      {"a\xe2\x80\xae"
       "b\xe2\x80\xa8",
       "a\\u202eb\\u2028"},                            // direction, line separator
      {"\xef\xbb\xbf\xe2\x80\x8b", "\\ufeff\\u200b"},  // zero width
      {"\xf3\xa0\x81\x81", "\\U000e0041"},             // tag
      {"\xff\xfe", "\\xff\\xfe"},                      // never UTF-8
      {"\xc3", "\\xc3"},                               // cut off
      {"\xc3(", "\\xc3("},                             // no continuation
      {"\xe2\x82", "\\xe2\\x82"},
      {"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf\\xf0\\x80\\x80\\xaf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
      {"\x80", "\\x80"},
  };
  for (const auto& [text, escaped] : texts) EXPECT_EQ(EscapeForLog(text), escaped);
}

TEST(EscapeForLog, IsOneLineOfPrintableUtf8ForEveryPairOfBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char bytes[] = {static_cast<char>(first), static_cast<char>(second)};
      for (const char c : EscapeForLog({bytes, 2})) {
        const auto byte = static_cast<unsigned char>(c);
        ASSERT_TRUE(byte >= 0x20 && byte != 0x7f) << first << " " << second;
      }
    }
  }
}

TEST(EscapeForLog, CutsLongTextAndShowsIt) {
  EXPECT_EQ(EscapeForLog("abcdef", 6), "abcdef");
  EXPECT_EQ(EscapeForLog("abcdefg", 6), "abcdef… (7 bytes)");
  EXPECT_EQ(EscapeForLog("abcde\n", 6), "abcde… (6 bytes)");
  EXPECT_EQ(EscapeForLog("abcde\xc3\xa4", 6), "abcde… (7 bytes)");
  EXPECT_LT(EscapeForLog(std::string(10'000, '\n')).size(), 1100U);
}

TEST(LogField, HoldsNoSpaceAndIsNeverEmpty) {
  EXPECT_EQ(LogField(""), "-");
  EXPECT_EQ(LogField("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(LogField("x verdict=accept"), "x\\x20verdict=accept");
  EXPECT_EQ(LogField("a\nb\tc\xe2\x80\xa8"), "a\\nb\\tc\\u2028");
  EXPECT_EQ(LogField(std::string(3000, ' ')).find(' '), std::string::npos);
}

TEST(ParseLogLevel, KnowsTheNamesOfTheConfiguration) {
  for (const char* name : {"trace", "debug", "info", "warn", "error"}) {
    EXPECT_TRUE(ParseLogLevel(name)) << name;
  }
  for (const char* name : {"", "INFO", "warning", "off"}) EXPECT_FALSE(ParseLogLevel(name)) << name;
}

TEST(Log, WritesOneEscapedLineAMessageToStandardError) {
  testing::internal::CaptureStderr();
  SetUpLog("sparekey-test", LogTarget::kStandardError, LogLevel::kInfo);
  Log(LogLevel::kDebug, "too fine");
  Log(LogLevel::kWarning, "user a\nb {} %s");
  FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("warning: user a\\nb {} %s\n"));
  EXPECT_THAT(log, Not(HasSubstr("too fine")));
}

TEST(Log, WritesToStandardErrorBeforeSetUpAndAfterFlush) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  Log(LogLevel::kError, "early");
  SetUpLog("sparekey-test", LogTarget::kStandardError, LogLevel::kInfo);
  FlushLog();
  Log(LogLevel::kError, "late");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "early\nlate\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

// Whatever the log's thread is just doing.
TEST(Log, EndsAtOnceWithAllItsLines) {
  testing::internal::CaptureStderr();
  for (int i = 0; i < 50; ++i) {
    SetUpLog("sparekey-test", LogTarget::kStandardError, LogLevel::kInfo);
    Log(LogLevel::kInfo, "message");
    std::this_thread::sleep_for(std::chrono::microseconds(i % 2 * 3000));
    Log(LogLevel::kInfo, "message");
    FlushLog();
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 100);
}

TEST(Log, KeepsAllMessagesOfAFewThousand) {
  testing::internal::CaptureStderr();
  SetUpLog("sparekey-test", LogTarget::kStandardError, LogLevel::kInfo);
  for (int i = 0; i < 3000; ++i) Log(LogLevel::kInfo, "message");
  FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 3000);
}

}  // namespace
}  // namespace sparekey
