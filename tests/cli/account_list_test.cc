// SPDX-License-Identifier: Apache-2.0
#include "cli/account_list.h"

#include <gmock/gmock.h>

#include <fstream>

#include "core/base32.h"
#include "tests/support/program.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kSecret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

class AccountListTest : public ::testing::Test {
 protected:
  Result<AccountList> Open(const std::string& text, const std::string& name = "list.csv") {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return AccountList::Open(folder_ / name);
  }
  // Every account with its line, or what is wrong with the list.
  std::vector<std::string> Read(const std::string& text, const std::string& name = "list.csv") {
    auto list = Open(text, name);
    if (!list) return {list.error().message};
    std::vector<std::string> read;
    const auto check = CheckList(*list, [&](const ListEntry& entry) {
      read.push_back(std::to_string(entry.line) + " " + entry.account);
      return Ok();
    });
    if (!check) return {check.error().message};
    for (const std::string& mistake : check->mistakes) {
      read.push_back(mistake.substr((folder_ / name).size() + 2));
    }
    return read;
  }
  ListEntry ReadOne(const std::string& text, const std::string& name = "list.csv") {
    auto list = Open(text, name);
    EXPECT_TRUE(list) << list.error().message;
    auto entry = list->Next();
    EXPECT_TRUE(entry) << entry.error().message;
    return std::move(**entry);
  }

  testing::TestFolder folder_;
};

TEST_F(AccountListTest, ReadsCsvWhoseFirstLineNamesTheColumns) {
  EXPECT_THAT(Read("account\nada\nbob"), ElementsAre("2 ada", "3 bob"));
  EXPECT_THAT(Read("account\r\nada\r\n\r\nbob\r\n"), ElementsAre("2 ada", "4 bob"));
  EXPECT_THAT(Read("\xef\xbb\xbf\"account\"\nada\n"), ElementsAre("2 ada"));
}

TEST_F(AccountListTest, ReadsEveryColumnInAnyOrder) {
  const ListEntry entry = ReadOne(
      "counter,secret,algorithm,digits,type,label,account\n"
      "7," +
      std::string(kSecret) + ",sha512,8,hotp,my phone,ada\n");
  EXPECT_EQ(entry.account, "ada");
  EXPECT_EQ(entry.label, "my phone");
  EXPECT_EQ(entry.type, OtpType::kHotp);
  EXPECT_EQ(entry.digits, 8);
  EXPECT_EQ(entry.algorithm, HashAlgorithm::kSha512);
  EXPECT_EQ(entry.counter, 7);
  EXPECT_EQ(EncodeBase32(entry.secret.Expose()).ExposeText(), kSecret);
}

TEST_F(AccountListTest, TakesAnEmptyCellAsNotGiven) {
  const ListEntry entry = ReadOne(
      "account,label,type,digits,interval,algorithm,secret,counter\n"
      "ada,,,,,,,\n");
  EXPECT_EQ(entry.account, "ada");
  EXPECT_FALSE(entry.label || entry.type || entry.digits || entry.interval || entry.algorithm ||
               entry.counter);
  EXPECT_TRUE(entry.secret.empty());
}

TEST_F(AccountListTest, ReadsQuotedFieldsAsRfc4180SaysIt) {
  EXPECT_EQ(ReadOne("account,label\nada,\"a, \"\"b\"\" c\"\n").label, "a, \"b\" c");
  EXPECT_EQ(ReadOne("account,label\nada, phone \n").label, " phone ");
  // A line break within quotes is the field's, and no label has one.
  EXPECT_THAT(Read("account,label\nada,\"a\nb\"\nbob,x\n"),
              ElementsAre("4 bob", HasSubstr("line 2, label: ")));
}

TEST_F(AccountListTest, ReadsJsonLines) {
  const std::string text =
      "{\"account\":\"ada\",\"digits\":8,\"label\":null}\n\n"
      "{\"label\":\"caf\\u00e9\",\"account\":\"bob\",\"interval\":60}\n";
  EXPECT_THAT(Read(text, "list.jsonl"), ElementsAre("1 ada", "3 bob"));
  EXPECT_THAT(Read(text, "list.txt"), ElementsAre("1 ada", "3 bob"));
  EXPECT_EQ(ReadOne(text).digits, 8);
  EXPECT_THAT(Read("", "list.ndjson"), ElementsAre());
}

TEST_F(AccountListTest, CanBeReadAgain) {
  auto list = Open("account\nada\n");
  ASSERT_TRUE(list);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ((**list->Next()).account, "ada");
    EXPECT_FALSE(list->Next()->has_value());
    EXPECT_TRUE(list->Rewind());
  }
}

TEST_F(AccountListTest, RefusesAHeaderThatIsNone) {
  const std::pair<const char*, const char*> table[] = {
      {"", "is empty"},
      {"ada\nbob\n", "there is no column 'ada'; possible: account, label"},
      {"label\nx\n", "the column account is missing"},
      {"account,account\n", "stands twice"},
      {"account;label\nada;x\n", "there is no column 'account;label'"},
      {"acc\"ount\n", "a quote stands where none may"},
  };
  for (const auto& [text, expected] : table) {
    const auto list = Open(text);
    ASSERT_FALSE(list) << text;
    EXPECT_THAT(list.error().message, HasSubstr(expected));
    EXPECT_EQ(list.error().code, ErrorCode::kInvalid);
  }
}

TEST_F(AccountListTest, NamesLineColumnAndLimitOfEveryMistake) {
  const std::pair<const char*, const char*> table[] = {
      {"a:b,,,,,,,", "line 2, account: 'a:b' cannot be"},
      {",,,,,,,", "line 2, account: is missing"},
      {"ada,a/b,,,,,,", "line 2, label: 'a/b' is not 1 to 64 bytes"},
      {"ada,\xff,,,,,,", "line 2, label: '\\xff' is not"},
      {"ada,,TOTP,,,,,", "line 2, type: 'TOTP' is not totp or hotp"},
      {"ada,,,9,,,,", "line 2, digits: '9' is not 6 to 8"},
      {"ada,,,6.0,,,,", "line 2, digits: '6.0' is not 6 to 8"},
      {"ada,,,,4,,,", "line 2, interval: '4' is not 5 to 3600"},
      {"ada,,hotp,,30,,,", "line 2, interval: is for totp"},
      {"ada,,,,,md5,,", "line 2, algorithm: 'md5' is not sha1"},
      {"ada,,,,,,AAAA,", "line 2, secret: is not base32 of 16 to 64 bytes"},
      {"ada,,,,,,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1,", "line 2, secret: is not base32"},
      {"ada,,,,,,,-1", "line 2, counter: '-1' is not 0 to 2000000000"},
      {"ada,,,,,,", "line 2: has 7 columns; the header has 8"},
      {"ada,,,,,,,,", "line 2: has 9 columns"},
      {"ada,\"x\"y,,,,,,", "line 2: a quote stands where none may"},
  };
  for (const auto& [line, expected] : table) {
    const std::string text = "account,label,type,digits,interval,algorithm,secret,counter\n" +
                             std::string(line) + "\nbob,,,,,,,\n";
    EXPECT_THAT(Read(text), ElementsAre("3 bob", HasSubstr(expected))) << line;
  }
}

TEST_F(AccountListTest, NamesTheMistakesOfJsonLines) {
  const std::pair<const char*, const char*> table[] = {
      {"{\"account\":\"ada\"", "line 1: is not one JSON object"},
      {"[\"ada\"]", "line 1: is not one JSON object"},
      {"{\"account\":\"ada\"} x", "line 1: is not one JSON object"},
      {"{\"name\":\"ada\"}", "line 1: there is no member 'name'; possible: account"},
      {"{\"account\":[\"ada\"]}", "line 1, account: must be a text or a whole number"},
      {"{\"account\":\"ada\",\"digits\":6.5}", "line 1, digits: must be"},
      {"{\"account\":\"ada\",\"digits\":true}", "line 1, digits: must be"},
      {"{\"account\":\"\\u0007\"}", "line 1, account: '\\x07' cannot be"},
  };
  for (const auto& [line, expected] : table) {
    EXPECT_THAT(Read(std::string(line) + "\n{\"account\":\"bob\"}\n", "list.jsonl"),
                ElementsAre("2 bob", HasSubstr(expected)))
        << line;
  }
}

TEST_F(AccountListTest, NeverQuotesASecret) {
  const std::string wrong = "SECRETSECRET1";
  const auto read = Read("account,secret\nada," + wrong + "\n");
  ASSERT_EQ(read.size(), 1U);
  EXPECT_THAT(read[0], ::testing::Not(HasSubstr(wrong)));
}

TEST_F(AccountListTest, NamesAnAccountThatStandsTwice) {
  EXPECT_THAT(Read("account\nada\nbob\nada\n"),
              ElementsAre("2 ada", "3 bob", "4 ada",
                          HasSubstr("line 4, account: stands in line 2 already")));
}

TEST_F(AccountListTest, CannotBeReadBehindAQuoteThatIsNeverClosed) {
  EXPECT_THAT(Read("account,label\nada,x\nbob,\"y\ncarol,z\n"),
              ElementsAre("2 ada", HasSubstr("line 3: a quote is never closed")));
}

TEST_F(AccountListTest, BoundsLinesAndRows) {
  const std::string long_line(kLongestListLine + 1, 'a');
  EXPECT_THAT(Read("account\n" + long_line + "\n"), ElementsAre(HasSubstr("line 2: longer than")));
  EXPECT_THAT(Read("account,label\nada,\"" + std::string(kLongestListLine / 2, 'a') + "\n" +
                   std::string(kLongestListLine / 2, 'b') + "\"\n")[0],
              HasSubstr("line 2: longer than"));
}

TEST_F(AccountListTest, TellsTwentyMistakesAndCountsTheOthers) {
  std::string text = "account\n";
  for (int i = 0; i < 50; ++i) text += "a:b\n";
  auto list = Open(text);
  const auto check = CheckList(*list, [](const ListEntry&) { return Ok(); });
  ASSERT_TRUE(check);
  EXPECT_EQ(check->mistakes.size(), 20U);
  EXPECT_EQ(check->more, 30U);
}

TEST_F(AccountListTest, ReadsNoFolderAndNoMissingFile) {
  for (const std::string& path : {folder_.path(), folder_ / "missing"}) {
    const auto list = AccountList::Open(path);
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace sparekey
