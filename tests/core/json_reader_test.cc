// SPDX-License-Identifier: Apache-2.0
// The module's JSON reader, beside nlohmann's: what the one takes, the other takes alike.
#include "core/json_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>

namespace sparekey {
namespace {

using nlohmann::json;
using namespace std::string_literals;  // NOLINT: for texts with NUL bytes

bool IsTaken(std::string_view text) {
  JsonReader reader(text);
  reader.SkipValue();
  return reader.IsAtEnd();
}

std::optional<std::string> TextOf(std::string_view value) {
  JsonReader reader(value);
  std::string text = "what was there before";
  reader.ReadText(text);
  if (!reader.IsAtEnd()) return std::nullopt;
  return text;
}

std::string Nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonReader, TakesEveryKindOfValue) {
  for (const std::string& text : {"{}"s,
                                  "[]"s,
                                  "\"\""s,
                                  "null"s,
                                  "true"s,
                                  "false"s,
                                  "0"s,
                                  "-0"s,
                                  "10"s,
                                  "-1.50"s,
                                  "0.0"s,
                                  "1e5"s,
                                  "1E+05"s,
                                  "2.5e-99"s,
                                  "123456789012345678"s,
                                  std::string(32, '1'),
                                  "0." + std::string(32, '1'),
                                  " \t\r\n{ \"a\" : [ 1 , { } ] } \n"s,
                                  R"({"a":{"b":[[],{}]},"c":"d"})"s,
                                  R"(["\"\\\/\b\f\n\r\t\u0000\uD83D\uDD11"])"s,
                                  "\"j\xc3\xb6rg \x7f\""s,
                                  Nested(8)}) {
    EXPECT_TRUE(IsTaken(text)) << text;
    EXPECT_TRUE(json::accept(text)) << text;
  }
}

TEST(JsonReader, RefusesWhatIsNoJson) {
  for (const std::string& text :
       {""s,           " "s,           "{"s,           "}"s,        "["s,
        "]"s,          "[}"s,          "{]"s,          "[1,]"s,     "[,1]"s,
        "[1 2]"s,      "[1]]"s,        "{\"a\"}"s,     "{\"a\":}"s, "{\"a\":1,}"s,
        "{,}"s,        "{a:1}"s,       "{1:1}"s,       "{'a':1}"s,  "{\"a\":1 \"b\":2}"s,
        "{\"a\"::1}"s, "{} {}"s,       "{}x"s,         "{}\0"s,     "{}\0{}"s,
        "nul"s,        "nullx"s,       "True"s,        "tru"s,      "falsetrue"s,
        "NaN"s,        "Infinity"s,    "-"s,           "+1"s,       "01"s,
        "-01"s,        "1."s,          ".5"s,          "1.e5"s,     "1e"s,
        "1e+"s,        "0x1"s,         "1_0"s,         "--1"s,      "// c\n1"s,
        "/* c */1"s,   "\""s,          "\"a"s,         "\"\\\""s,   "\"\\x41\""s,
        "\"\\u12\""s,  "\"\\u12g4\""s, "\"\\u 123\""s, "\"a\nb\""s, "\"a\tb\""s,
        "\"\0\""s,     "\"\x1f\""s,    "\xff"s,        "\x0b{}"s,   "[\"a\",\"b]"s}) {
    EXPECT_FALSE(IsTaken(text)) << text;
    // Where it begins to differ: nlohmann's takes a NUL byte for the end.
    EXPECT_TRUE(!json::accept(text) || text.find('\0') != std::string::npos) << text;
  }
}

TEST(JsonReader, RefusesWhatIsNoText) {
  for (const std::string& text :
       {"\"\x80\""s, "\"\xc0\xaf\""s, "\"\xc3\""s, "\"\xe2\x82\""s, "\"\xed\xa0\x80\""s,
        "\"\xf5\x80\x80\x80\""s, R"("\uD83D")"s, R"("\uD83Dx")"s, R"("\uD83D\n")"s,
        R"("\uD83D\uD83D")"s, R"("\uDD11")"s, R"("\uDD11\uD83D")"s, R"("\uD83D\u0041")"s,
        R"({"\uDD11":1})"s, "{\"\xff\":1}"s}) {
    EXPECT_FALSE(IsTaken(text)) << text;
    EXPECT_FALSE(TextOf(text)) << text;
    EXPECT_FALSE(json::accept(text)) << text;
  }
}

TEST(JsonReader, RefusesWhatNoAnswerHas) {
  for (const std::string& text :
       {Nested(9), std::string(100'000, '['), "[1e100]"s, "1e999"s, std::string(33, '1'),
        "0." + std::string(33, '1'), "\xef\xbb\xbf{}"s}) {
    EXPECT_FALSE(IsTaken(text)) << text.substr(0, 40);
  }
}

TEST(JsonReader, ReadsOneKindForAnotherNever) {
  for (const char* value : {"{}", "[]", "1", "true", "null", "\"\""}) {
    JsonReader text(value), flag(value), object(value), array(value);
    std::string out;
    text.ReadText(out);
    EXPECT_EQ(text.IsAtEnd(), value == "\"\""s) << value;
    (void)flag.ReadFlag();
    EXPECT_EQ(flag.IsAtEnd(), value == "true"s) << value;
    object.StartObject();
    EXPECT_FALSE(object.NextMember(out)) << value;
    EXPECT_EQ(object.IsAtEnd(), value == "{}"s) << value;
    array.StartArray();
    EXPECT_FALSE(array.NextElement()) << value;
    EXPECT_EQ(array.IsAtEnd(), value == "[]"s) << value;
  }
}

TEST(JsonReader, ReadsNothingMoreOnceItRefused) {
  JsonReader reader("[1,true,null,\"a\",{}]");
  reader.StartArray();
  reader.Refuse();
  std::string text;
  EXPECT_FALSE(reader.NextElement());
  EXPECT_FALSE(reader.TakeNull());
  EXPECT_FALSE(reader.ReadFlag());
  reader.ReadText(text);
  reader.SkipValue();
  EXPECT_EQ(text, "");
  EXPECT_FALSE(reader.IsGood());
}

// Code points of every length, as they are and escaped.
TEST(JsonReader, ReadsTextAsAnotherReaderDoes) {
  for (std::uint32_t point = 1; point < 0x110000; point += point < 0x3000 ? 1 : 251) {
    if (point >= 0xd800 && point < 0xe000) continue;
    std::array<char, 32> escaped{};
    if (point < 0x10000) {
      std::snprintf(escaped.data(), escaped.size(), "\"\\u%04x\"", point);
    } else {
      std::snprintf(escaped.data(), escaped.size(), "\"\\u%04X\\u%04x\"",
                    0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
    }
    const auto wanted = json::parse(escaped.data()).get<std::string>();
    ASSERT_EQ(TextOf(escaped.data()), wanted) << escaped.data();
    ASSERT_EQ(TextOf(json("a" + wanted).dump()), "a" + wanted) << escaped.data();
  }
}

json RandomValue(std::mt19937& random, int depth) {
  switch (random() % (depth > 0 ? 8 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:
      return static_cast<std::int32_t>(random());
    case 3:
      return static_cast<double>(random() % 1000) / 8;
    case 4:
      return std::string(random() % 3, '"') + "\xf0\x9f\x94\x91\n";
    case 5:
      return "text";
    case 6: {
      json array = json::array();
      for (auto n = random() % 4; n > 0; --n) array.push_back(RandomValue(random, depth - 1));
      return array;
    }
    default: {
      json object = json::object();
      for (auto n = random() % 4; n > 0; --n) {
        object["k" + std::to_string(random() % 9)] = RandomValue(random, depth - 1);
      }
      return object;
    }
  }
}

TEST(JsonReader, TakesWhatAnotherWritesAndNoBentFormThatAnotherRefuses) {
  static constexpr std::string_view kBytes =
      "{}[]\",:\\/ub0123456789.eE+-truefalsn \n\t\x01\x80\xc3";
  std::mt19937 random(20261129);
  int taken = 0, refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = RandomValue(random, 6).dump(random() % 2 == 0 ? -1 : 1, ' ', random() % 2);
    ASSERT_TRUE(IsTaken(text)) << text;
    for (auto n = random() % 3 + 1; n > 0 && !text.empty(); --n) {
      const auto at = random() % text.size();
      const char byte = kBytes[random() % kBytes.size()];
      const auto way = random() % 3;
      if (way == 0) text[at] = byte;
      if (way == 1) text.erase(at, 1);
      if (way == 2) text.insert(at, 1, byte);
    }
    const bool is_taken = IsTaken(text);
    ASSERT_TRUE(!is_taken || json::accept(text)) << text;
    ++(is_taken ? taken : refused);
  }
  EXPECT_GT(taken, 1000);
  EXPECT_GT(refused, 1000);
}

TEST(JsonReader, SaysWhatComesNextAndReadsIt) {
  JsonReader reader(R"({"a":null,"b":true,"c":"x","d":[false,7]})");
  reader.StartObject();
  std::string name, text;
  ASSERT_TRUE(reader.NextMember(name));
  EXPECT_EQ(name, "a");
  EXPECT_TRUE(reader.TakeNull());
  ASSERT_TRUE(reader.NextMember(name));
  EXPECT_TRUE(reader.IsNext('t') && !reader.IsNext('"'));
  EXPECT_TRUE(reader.ReadFlag());
  ASSERT_TRUE(reader.NextMember(name));
  EXPECT_FALSE(reader.TakeNull());
  reader.ReadText(text);
  EXPECT_EQ(text, "x");
  ASSERT_TRUE(reader.NextMember(name));
  reader.StartArray();
  ASSERT_TRUE(reader.NextElement());
  EXPECT_FALSE(reader.ReadFlag());
  ASSERT_TRUE(reader.NextElement());
  reader.SkipValue();
  EXPECT_FALSE(reader.NextElement());
  EXPECT_FALSE(reader.NextMember(name));
  EXPECT_TRUE(reader.IsAtEnd());
}

}  // namespace
}  // namespace sparekey
