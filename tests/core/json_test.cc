// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "core/json_reader.h"
#include "core/json_writer.h"
#include "core/utf8.h"

namespace sparekey {
namespace {

using nlohmann::json;
using std::string_literals::operator""s;

// One whole text, read as what it is not known to be.
bool IsRead(std::string_view text) {
  JsonReader reader(text);
  reader.SkipValue();
  return reader.IsAtEnd();
}

// A text that is one JSON string.
std::string TextOf(std::string_view text) {
  JsonReader reader(text);
  std::string read;
  reader.ReadText(read);
  return reader.IsAtEnd() ? read : "refused";
}

TEST(JsonReader, ReadsWhatIsJson) {
  for (const char* const text :
       {"{}", "[]", "\"\"", " true ", "false", "null", "0", "-0", "12.50", "1e9", "1E+09",
        "-1.0e-1", "\t\r\n{ \"a\" : [ 1 , { } , \"b\" ] }\n", R"({"a":{"b":{"c":[[[[]]]]}}})",
        R"("\"\\\/\b\f\n\r\t\u00e9")", "\"\xc3\xa9 \xf0\x9f\x94\x91\"", "123456789012345678",
        "\"\x7f\""}) {
    EXPECT_TRUE(IsRead(text)) << text;
  }
}

TEST(JsonReader, RefusesWhatIsNot) {
  const std::vector<std::string> texts{"",
                                       " ",
                                       "{",
                                       "}",
                                       "[",
                                       "]",
                                       "{]",
                                       "[}",
                                       "{}{}",
                                       "[] []",
                                       ",",
                                       "[,]",
                                       "[1,]",
                                       "[,1]",
                                       "[1 2]",
                                       "{,}",
                                       R"({"a"})",
                                       R"({"a":})",
                                       R"({"a":1,})",
                                       R"({"a":1 "b":2})",
                                       R"({a:1})",
                                       R"({1:1})",
                                       R"({"a":1,,"b":2})",
                                       R"({"a"::1})",
                                       "'a'",
                                       "tru",
                                       "truee",
                                       "True",
                                       "nul",
                                       "nulll",
                                       "undefined",
                                       "NaN",
                                       "Infinity",
                                       "01",
                                       "-01",
                                       "00",
                                       "+1",
                                       "-",
                                       ".5",
                                       "1.",
                                       "1.e1",
                                       "1e",
                                       "1e+",
                                       "0x1",
                                       "1_0",
                                       "\"",
                                       "\"a",
                                       "\"\\\"",
                                       "\"\\x41\"",
                                       "\"\\u12\"",
                                       "\"\\u12g4\"",
                                       "\"\\ud800\"",
                                       "\"\\udc00\"",
                                       "\"\\ud800\\u0041\"",
                                       "\"\\ud800\\ud800\"",
                                       "\"a\nb\"",
                                       "\"a\tb\"",
                                       "\"a\0b\""s,
                                       "{}\0"s,
                                       "\"\xff\"",
                                       "\"\xc3\"",
                                       "\"\xc0\xaf\"",
                                       "\"\xed\xa0\x80\"",
                                       "\"\xf4\x90\x80\x80\"",
                                       "\xef\xbb\xbf{}",
                                       "// a\n{}",
                                       "{}/* a */",
                                       "[[[[[[[[[]]]]]]]]]",
                                       "1234567890123456789",
                                       "1.1234567890123456789",
                                       "1e100"};
  for (const std::string& text : texts) EXPECT_FALSE(IsRead(text)) << text;
}

TEST(JsonReader, ReadsTextsAsTheyAreMeant) {
  EXPECT_EQ(TextOf(R"("K7QM-9TXR")"), "K7QM-9TXR");
  EXPECT_EQ(TextOf(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(TextOf(R"("\u0041\u00e9\u20ac\ud83d\udd11")"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91");
  EXPECT_EQ(TextOf(R"("\u0000")"), "\0"s);
  EXPECT_EQ(TextOf("12"), "refused");
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

TEST(JsonReader, IsNoMoreUseAfterWhatItRefused) {
  JsonReader reader(R"({"a":1,"b":"x"})");
  reader.StartObject();
  std::string text = "before";
  ASSERT_TRUE(reader.NextMember(text));
  reader.ReadText(text);  // a number
  EXPECT_FALSE(reader.IsGood());
  EXPECT_FALSE(reader.NextMember(text));
  EXPECT_FALSE(reader.IsAtEnd());
}

// Texts that are nearly JSON: what another reader refuses, this one refuses, too.
TEST(JsonReader, TakesNothingThatAnotherReaderRefuses) {
  const std::string seed = R"({"a":[1,-2.5e3,"x\u00e9\n"],"b":{"c":null,"d":true}, "e":"",)"
                           "\n\"f\":\"\xc3\xa9\"}";
  ASSERT_TRUE(IsRead(seed));
  std::mt19937 random(20261129);
  const std::string letters = "{}[]\",:\\u0019eE+-. \ntrfn\xc3\xa9";
  int both = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = seed;
    for (auto changes = random() % 3 + 1; changes > 0; --changes) {
      const std::size_t place = random() % text.size();
      if (random() % 2 == 0) {
        text[place] = letters[random() % letters.size()];
      } else {
        text.erase(place, 1);
      }
    }
    const bool other = json::accept(text);
    const bool own = IsRead(text);
    ASSERT_TRUE(other || !own) << text;
    both += own ? 1 : 0;
  }
  EXPECT_GT(both, 1000);
}

TEST(JsonWriter, WritesWhatAnotherReaderReads) {
  JsonWriter writer(1);  // grows
  writer.StartObject();
  writer.AddText("text", "a\"b\\c\n\t\x01\x7f\xc3\xa9\xf0\x9f\x94\x91");
  writer.AddFlag("yes", true);
  writer.AddFlag("no", false);
  writer.AddName("none");
  writer.AddNull();
  writer.AddName("numbers");
  writer.StartArray();
  writer.AddNumber(0);
  writer.AddNumber(INT64_MIN);
  writer.StartObject();
  writer.EndObject();
  writer.EndArray();
  writer.AddText("", "");
  writer.EndObject();
  ASSERT_TRUE(writer.IsGood());
  EXPECT_EQ(json::parse(writer.text()),
            (json{{"text", "a\"b\\c\n\t\x01\x7f\xc3\xa9\xf0\x9f\x94\x91"},
                  {"yes", true},
                  {"no", false},
                  {"none", nullptr},
                  {"numbers", {0, INT64_MIN, json::object()}},
                  {"", ""}}));
}

TEST(JsonWriter, IsBadWithWhatIsNoText) {
  for (const char* const bad : {"\xff", "a\xc3", "\xed\xa0\x80"}) {
    JsonWriter writer(64);
    writer.AddText(bad);
    EXPECT_FALSE(writer.IsGood());
  }
}

}  // namespace
}  // namespace sparekey
