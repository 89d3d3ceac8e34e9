// SPDX-License-Identifier: Apache-2.0
#include "service/login_request.h"

#include <gmock/gmock.h>

namespace sparekey {
namespace {

using ::testing::HasSubstr;

Result<LoginFields> Read(std::string_view body) { return ReadLoginFields(SecretBytes(body)); }

// What is wrong with a body that begins well.
std::string WrongIn(const std::string& members) {
  const auto fields = Read(R"({"account":"ada","door":"ssh")" + members + "}");
  if (!fields) return "no object";
  const auto opening = ParseOpening(*fields);
  return opening ? "nothing" : opening.error().message;
}

TEST(ReadLoginFields, ReadsWhatTheModuleSends) {
  const auto fields = Read(
      R"({"account":"ada","door":"ssh","service":"sshd","remote_host":"2001:db8::1","tty":"ssh",)"
      R"("first_factor":"password","recovery":false,"answers":{"code":"12 34\u00206"}})");
  ASSERT_TRUE(fields && !fields->wrong);
  const auto opening = ParseOpening(*fields);
  ASSERT_TRUE(opening);
  EXPECT_EQ(opening->account, "ada");
  EXPECT_EQ(opening->door, Door::kSsh);
  EXPECT_EQ(opening->service, "sshd");
  EXPECT_EQ(opening->remote_host, "2001:db8::1");
  EXPECT_TRUE(opening->first_factor);
  EXPECT_FALSE(opening->recovery);
  ASSERT_TRUE(fields->answers);
  ASSERT_EQ(fields->answers->size(), 1U);
  EXPECT_EQ(fields->answers->at("code").ExposeText(), "12 34 6");
}

TEST(ReadLoginFields, TakesNullAndAbsentForTheDefault) {
  for (const char* const body :
       {R"({"account":"ada","door":"other"})",
        R"({"account":"ada","door":"other","service":null,"remote_host":null,"recovery":null})"}) {
    const auto fields = Read(body);
    ASSERT_TRUE(fields);
    EXPECT_FALSE(fields->answers || fields->code_proven);
    const auto opening = ParseOpening(*fields);
    ASSERT_TRUE(opening);
    EXPECT_TRUE(opening->recovery && !opening->first_factor && opening->service.empty());
  }
}

TEST(ReadLoginFields, RefusesWhatIsNoObject) {
  for (const char* const body :
       {"", "{", "[]", "null", "7", R"("ada")", R"({"account":"ada"} {})", R"({"account":"ada",})",
        R"({"account":"ada)", R"({"account":"a\ud800"})", R"({"answers":{"code":"1"})",
        R"({"a":[[[[[[[[[]]]]]]]]]})", "{\"account\":\"\xff\"}"}) {
    const auto fields = Read(body);
    ASSERT_FALSE(fields) << body;
    EXPECT_EQ(fields.error().code, ErrorCode::kInvalid);
  }
}

TEST(ReadLoginFields, NamesTheMemberThatIsWrong) {
  EXPECT_EQ(WrongIn(""), "nothing");
  EXPECT_EQ(WrongIn(R"(,"more":{"of":["that"],"sent":1764500000000000000})"), "nothing");
  EXPECT_EQ(WrongIn(R"(,"service":7)"), "\"service\" must be a text");
  EXPECT_EQ(WrongIn(R"(,"service":{"a":["b"]})"), "\"service\" must be a text");
  EXPECT_EQ(WrongIn(R"(,"recovery":"yes")"), "\"recovery\" must be true or false");
  EXPECT_EQ(WrongIn(R"(,"code_proven":1)"), "\"code_proven\" must be true or false");
  EXPECT_EQ(WrongIn(",\"service\":\"" + std::string(257, 's') + "\""),
            "\"service\" must be at most 256 bytes long");
  EXPECT_EQ(WrongIn(",\"remote_host\":\"" + std::string(1024, 'h') + "\""), "nothing");
  EXPECT_THAT(WrongIn(",\"remote_host\":\"" + std::string(1025, 'h') + "\""), HasSubstr("1024"));
  EXPECT_THAT(WrongIn(R"(,"door":"console")"), HasSubstr("\"door\""));
  EXPECT_THAT(WrongIn(R"(,"first_factor":"charm")"), HasSubstr("\"first_factor\""));
  EXPECT_THAT(WrongIn(R"(,"account":"a/b")"), HasSubstr("\"account\""));
}

TEST(ReadLoginFields, BoundsAnswers) {
  EXPECT_EQ(WrongIn(R"(,"answers":"123456")"), NoAnswers().message);
  EXPECT_EQ(WrongIn(R"(,"answers":null)"), NoAnswers().message);
  EXPECT_THAT(WrongIn(R"(,"answers":{"code":123456})"), HasSubstr("an answer must be a text"));
  EXPECT_EQ(WrongIn(",\"answers\":{\"code\":\"" + std::string(1024, '1') + "\"}"), "nothing");
  EXPECT_THAT(WrongIn(",\"answers\":{\"code\":\"" + std::string(1025, '1') + "\"}"),
              HasSubstr("1024"));
  std::string many = R"("a0":"")";
  for (int i = 1; i < 8; ++i) many += ",\"a" + std::to_string(i) + "\":\"\"";
  EXPECT_EQ(WrongIn(",\"answers\":{" + many + "}"), "nothing");
  EXPECT_EQ(WrongIn(",\"answers\":{" + many + R"(,"a8":""})"), NoAnswers().message);
}

}  // namespace
}  // namespace sparekey
