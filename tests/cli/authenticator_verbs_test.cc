// SPDX-License-Identifier: Apache-2.0
// authenticator, and how removals ask.
#include <gmock/gmock.h>

#include "tests/cli/verb_test.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TerminalProgram;

constexpr char kAdd[] = "POST /v1/accounts/ada/authenticators";
constexpr char kList[] = "GET /v1/accounts/ada/authenticators";
constexpr char kConfirm[] = "POST /v1/accounts/ada/enrolment/confirmation";
constexpr char kSecret[] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

std::string Made(const std::string& label, const std::string& state = "pending") {
  return R"({"account":"ada","label":")" + label +
         R"(","type":"totp","digits":6,"interval":30,"algorithm":"sha1","secret":")" + kSecret +
         R"(","uri":"otpauth://totp/host:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",)"
         R"("renews":false,"enrolment":")" +
         state + "\"}";
}

std::string One(const std::string& label) {
  return R"({"label":")" + label +
         R"(","type":"totp","digits":6,"interval":30,"algorithm":"sha1","counter":null,)"
         R"("created":"2026-11-23T14:02:00Z","last_used":null})";
}

std::string ListOf(const std::string& list) {
  return R"({"account":"ada","authenticators":[)" + list + R"(],"pending":null})";
}

class AuthenticatorVerbTest : public testing::VerbTest {
 protected:
  nlohmann::json LastBody() { return Parse(api_.Requests().back().body); }
};

TEST_F(AuthenticatorVerbTest, AddShowsTheSecretAndSaysHowToConfirm) {
  api_.Answer(kAdd, 201, Made("YubiKey"));
  const auto result = Run({"authenticator", "add", "ada", "--label", "YubiKey"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(kSecret));
  EXPECT_THAT(result.err, HasSubstr("sparekey user confirm ada"));
  EXPECT_EQ(LastBody(), Parse(R"({"label":"YubiKey","confirm":true})"));
  EXPECT_EQ(RunJson({"authenticator", "add", "ada", "--label", "YubiKey"}, 0)["label"], "YubiKey");
}

TEST_F(AuthenticatorVerbTest, AddAsksForACodeAtOnceOnATerminal) {
  api_.Answer(kAdd, 201, Made("YubiKey"));
  api_.Answer(kConfirm, 200, R"({"account":"ada","label":"YubiKey","enrolment":"active"})");
  TerminalProgram program(Command({"authenticator", "add", "ada", "--label", "YubiKey"}));
  ASSERT_TRUE(program.WaitFor("One-time code of the new authenticator: "));
  ASSERT_TRUE(program.WaitForEcho(false));
  program.Type("123456\n");
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.shown(), HasSubstr("YubiKey counts from now on"));
}

TEST_F(AuthenticatorVerbTest, AddNeedsALabelThatIsPossible) {
  EXPECT_EQ(Run({"authenticator", "add", "ada"}).status, 2);
  for (const char* label : {"a/b", "a:b"}) {
    const auto result = Run({"authenticator", "add", "ada", "--label", label});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr("--label"));
  }
  EXPECT_THAT(api_.Requests(), IsEmpty());
}

TEST_F(AuthenticatorVerbTest, TakesAKeyUriForTheSecretAndEverythingElse) {
  api_.Answer(kAdd, 201, Made("token", "active"));
  const std::string uri = std::string("otpauth://hotp/x:ada?secret=") + kSecret +
                          "&digits=8&algorithm=SHA256&counter=41\n";
  const std::vector<std::string> add = {"authenticator", "add",          "ada",           "--label",
                                        "token",         "--no-confirm", "--secret-stdin"};
  EXPECT_EQ(Run(add, uri).status, 0);
  EXPECT_EQ(LastBody(),
            Parse(std::string(R"({"label":"token","confirm":false,"type":"hotp",)") +
                  R"("algorithm":"sha256","digits":8,"counter":41,"secret":")" + kSecret + "\"}"));
  auto twice = add;
  twice.insert(twice.end(), {"--digits", "6"});
  const auto refused = Run(twice, uri);
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("--digits"));
  EXPECT_EQ(Run(add, "otpauth://totp/ada?secret=1\n").status, 2);
}

TEST_F(AuthenticatorVerbTest, ListIsATable) {
  api_.Answer(kList, 200,
              R"({"account":"ada","authenticators":[)" + One("phone") + "," +
                  R"({"label":"token","type":"hotp","digits":8,"interval":30,"algorithm":"sha256",)"
                  R"("counter":5,"created":"2026-11-23T14:02:00Z",)"
                  R"("last_used":"2026-11-23T15:02:00Z"}],)"
                  R"("pending":{"label":"phone","renews":true,"since":"2026-11-23T14:02:00Z"}})");
  const auto result = Run({"authenticator", "list", "ada"});
  EXPECT_EQ(result.status, 0);
  for (const char* text : {"phone  totp 6 digits sha1 30 s", "never", "token  hotp 8 digits sha256",
                           "A renewal of phone is not confirmed yet"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
  EXPECT_EQ(RunJson({"authenticator", "list", "ada"}, 0)["authenticators"].size(), 2U);
}

TEST_F(AuthenticatorVerbTest, RenewFindsTheOnlyLabelAndAsksForOneAmongSeveral) {
  api_.Answer(kList, 200, ListOf(One("my phone")));
  api_.Answer("PUT /v1/accounts/ada/authenticators/my%20phone", 201, Made("my phone"));
  EXPECT_EQ(Run({"authenticator", "renew", "ada"}).status, 0);
  api_.Answer("GET /v1/accounts/bob/authenticators", 200,
              ListOf(One("phone") + "," + One("tablet")));
  const auto several = Run({"authenticator", "renew", "bob"});
  EXPECT_EQ(several.status, 2);
  EXPECT_THAT(several.err, HasSubstr("phone, tablet"));
  EXPECT_EQ(Run({"authenticator", "renew", "ada", "--label", "my phone"}).status, 0);
}

TEST_F(AuthenticatorVerbTest, RenewOfAnAccountThatIsNotEnrolledSaysSo) {
  EXPECT_EQ(Run({"authenticator", "renew", "ada"}).status, 7);
}

TEST_F(AuthenticatorVerbTest, ResyncReadsTwoCodes) {
  const char* resync = "POST /v1/accounts/ada/resync";
  api_.Answer(resync, 200, R"({"account":"ada","label":"token"})");
  const auto result = Run({"authenticator", "resync", "ada"}, "755224\n287082\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("token is in step again"));
  EXPECT_EQ(LastBody(), Parse(R"({"first":"755224","second":"287082"})"));
  EXPECT_EQ(Run({"authenticator", "resync", "ada"}, "755224\n").status, 2);
  api_.Answer("POST /v1/accounts/bob/resync", 403,
              R"({"code":"wrong_code","detail":"no such pair"})");
  EXPECT_EQ(Run({"authenticator", "resync", "bob"}, "1\n2\n").status, 1);
}

class RemovalTest : public testing::VerbTest {};

TEST_F(RemovalTest, AsksOnATerminalAndTakesNothingButYES) {
  api_.Answer("DELETE /v1/accounts/ada", 204, "");
  for (const auto& [typed, status] : {std::pair("yes\n", 2), std::pair("YES\n", 0)}) {
    TerminalProgram program(Command({"user", "remove", "ada"}));
    ASSERT_TRUE(program.WaitFor("Type YES to go on: "));
    program.Type(typed);
    EXPECT_EQ(program.Wait(), status);
  }
  EXPECT_EQ(api_.Requests().size(), 1U);
}

TEST_F(RemovalTest, NeedsYesWhereNobodyCanBeAsked) {
  api_.Answer("DELETE /v1/accounts/ada/authenticators/my%20phone", 204, "");
  const auto refused = Run({"authenticator", "remove", "ada", "--label", "my phone"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("--yes"));
  EXPECT_EQ(Run({"user", "remove", "ada"}).status, 2);
  EXPECT_THAT(api_.Requests(), IsEmpty());
  EXPECT_EQ(
      RunJson({"authenticator", "remove", "ada", "--label", "my phone", "--yes"}, 0)["removed"],
      "my phone");
  EXPECT_EQ(Run({"authenticator", "remove", "ada", "--yes"}).status, 2);
}

}  // namespace
}  // namespace sparekey
