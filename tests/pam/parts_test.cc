// SPDX-License-Identifier: Apache-2.0
// The module's pure parts: texts, requests, replies, options.
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "core/utf8.h"
#include "pam/messages.h"
#include "pam/options.h"
#include "pam/text.h"

namespace sparekey::pam {
namespace {

using nlohmann::json;

TEST(IsUtf8, TakesTextOfEveryLength) {
  for (const char* text : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "j\xc3\xb6rg"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(IsUtf8, RefusesWhatRfc3629Forbids) {
  for (const char* text : {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf",
                           "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "a\xc3"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(Escaped, MakesOnePrintableLine) {
  EXPECT_EQ(Escaped("anna"), "anna");
  EXPECT_EQ(Escaped("a\nb\\c\x7f\xff"), "a\\x0ab\\x5cc\\x7f\\xff");
  EXPECT_EQ(Escaped(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(Escaped(std::string(10240, 'a')), std::string(256, 'a') + "...");
}

TEST(RequestBody, WritesWhatAnotherParserReads) {
  RequestBody body;
  const std::string odd = "\"\\/\b\n\x01\x1f\x7f j\xc3\xb6rg \xf0\x9f\x94\x91";
  body.AddText("a", odd);
  body.AddFlag("b", true);
  body.OpenObject("c");
  body.AddText("d", "");
  body.AddFlag("e", false);
  body.CloseObject();
  body.AddText("f", "x");
  const auto text = body.Finish();
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(json::parse(*text),
            (json{{"a", odd}, {"b", true}, {"c", {{"d", ""}, {"e", false}}}, {"f", "x"}}));
}

TEST(RequestBody, RefusesWhatIsNotUtf8AndWhatDoesNotFit) {
  RequestBody invalid;
  invalid.AddText("a", "\xff");
  EXPECT_FALSE(invalid.Finish());
  RequestBody big;
  big.AddText("a", std::string(40000, 'x'));
  EXPECT_FALSE(big.Finish());
}

TEST(ParseLoginReply, ReadsEveryField) {
  const auto reply = ParseLoginReply(
      R"({"login":"L","say":[{"text":"hi","style":"error"},{"text":"ho","style":"info"}],
          "ask":[{"id":"code","prompt":"?","echo":true}],"verdict":null,"reason":null,
          "codes_left":null,"later":{"x":[1]}})");
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->login, "L");
  ASSERT_EQ(reply->say.size(), 2U);
  EXPECT_TRUE(reply->say[0].is_error);
  EXPECT_FALSE(reply->say[1].is_error);
  ASSERT_EQ(reply->ask.size(), 1U);
  EXPECT_EQ(reply->ask[0].id, "code");
  EXPECT_TRUE(reply->ask[0].echo);
  EXPECT_EQ(reply->verdict, Verdict::kNone);
}

// Duplicates, nulls and kinds, as the tree of another reader has them.
TEST(ParseLoginReply, LetsTheLastOneOfANameCount) {
  const auto reply = ParseLoginReply(
      R"({"verdict":"accept","reason":"accepted","say":[{"text":"a"}],"enrolled":true,
          "verdict":"deny","reason":null,"say":[{"text":"b","text":"c"}],"enrolled":null})");
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->verdict, Verdict::kDeny);
  EXPECT_EQ(reply->reason, "");
  ASSERT_EQ(reply->say.size(), 1U);
  EXPECT_EQ(reply->say[0].text, "c");
  EXPECT_FALSE(reply->enrolled);
}

TEST(ParseLoginReply, ReadsANameHoweverItIsWritten) {
  const auto reply = ParseLoginReply(R"({"verdict":"accept","verd\u0069ct":"deny"})");
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->verdict, Verdict::kDeny);
}

TEST(ParseLoginReply, RefusesWhatIsNoLoginsAnswer) {
  for (const char* body : {"",
                           "[]",
                           "null",
                           "{}",
                           R"({"verdict":null})",
                           R"({"verdict":""})",
                           R"({"verdict":7})",
                           R"({"verdict":"maybe"})",
                           R"({"verdict":["accept"]})",
                           R"({"verdict":"accept"}x)",
                           R"({"verdict":"accept","reason":1})",
                           R"({"verdict":"accept","say":{}})",
                           R"({"verdict":"accept","say":["x"]})",
                           R"({"verdict":"accept","say":[null]})",
                           R"({"verdict":"accept","say":[{"text":1}]})",
                           R"({"verdict":"accept","enrolled":"yes"})",
                           R"({"verdict":"accept","must_enrol":0})",
                           R"({"verdict":"accept","reason":"\u0000"})",
                           R"({"verdict":"accept","later":1e999})",
                           R"({"login":"L"})",
                           R"({"login":"L","ask":[]})",
                           R"({"login":"","ask":[{"id":"code"}]})",
                           R"({"login":"a/b","ask":[{"id":"code"}]})",
                           R"({"login":"L","ask":[{"id":""}]})",
                           R"({"login":"L","ask":[{"prompt":"?"}]})",
                           R"({"login":"L","ask":[{"id":"code","echo":1}]})"}) {
    EXPECT_FALSE(ParseLoginReply(body)) << body;
  }
}

TEST(ParseLoginReply, RefusesMoreItemsThanALoginHas) {
  json many{{"verdict", "accept"}, {"say", json::array()}};
  for (int i = 0; i < 33; ++i) many["say"].push_back({{"text", "x"}, {"style", "info"}});
  EXPECT_FALSE(ParseLoginReply(many.dump()));
}

TEST(ParseProblemCode, FindsNothingInWhatIsNoProblem) {
  EXPECT_EQ(ParseProblemCode(R"({"code":"busy"})"), "busy");
  for (const char* body : {"", "[]", "{}", R"({"code":7})"}) EXPECT_EQ(ParseProblemCode(body), "");
}

TEST(ParseOptions, HasTheDocumentedDefaults) {
  const auto options = ParseOptions({});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->socket, "/run/sparekey/pam.sock");
  EXPECT_EQ(options->timeout, std::chrono::seconds(3));
  EXPECT_FALSE(options->door.has_value());
  EXPECT_EQ(options->unenrolled, Unenrolled::kByPolicy);
}

TEST(ParseOptions, TakesTheLimitsOfTheRanges) {
  for (const char* word : {"timeout=1", "timeout=30", "code_digits=6", "code_digits=8"}) {
    EXPECT_TRUE(ParseOptions(std::array{word}).ok()) << word;
  }
}

TEST(ParseOptions, NamesTheWordThatIsWrong) {
  const auto options = ParseOptions(std::array{"debug", "evil\nword"});
  ASSERT_FALSE(options.ok());
  EXPECT_EQ(options.error().message, "unknown option or bad value: \"evil\\x0aword\"");
}

}  // namespace
}  // namespace sparekey::pam
