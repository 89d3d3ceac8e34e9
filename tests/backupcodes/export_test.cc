// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <time.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "backupcodes/codes.h"

namespace sparekey {
namespace {

// The zone of the host, for as long as a test needs it.
class ZoneOfHost {
 public:
  explicit ZoneOfHost(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
  ~ZoneOfHost() {
    unsetenv("TZ");
    tzset();
  }
  ZoneOfHost(const ZoneOfHost&) = delete;
  ZoneOfHost& operator=(const ZoneOfHost&) = delete;
};

class Export : public testing::Test {
 protected:
  Export() {
    for (const auto* code : {"K7QM9TXR4HWDP2VN", "0123456789ABCDEF", "ZYXWVTSRQPNMKJHG"}) {
      codes_.emplace_back(std::string_view(code));
    }
    sheet_.host = "nas.example";
    sheet_.account = "ada";
    sheet_.number = 3;
    sheet_.issued = *ParseTime("2026-11-23T14:02:00Z");
    sheet_.codes = &codes_;
  }

  std::string Text() const { return std::string(ExportText(sheet_).ExposeText()); }
  std::string Json() const { return std::string(ExportJson(sheet_).ExposeText()); }

  ZoneOfHost zone_{"UTC"};
  std::vector<BackupCode> codes_;
  SheetExport sheet_;
};

TEST_F(Export, TextIsForPeople) {
  EXPECT_EQ(Text(), R"(Backup codes for two-factor logins (sparekey)

Host:     nas.example
Account:  ada
Issued:   2026-11-23 14:02
Sheet:    3

No one-time code at hand? Log in with your password as usual, and type one of
these backup codes where the one-time code is asked for. You are asked for more
until you have given 2 different ones.
Each code works once: cross out what you have used. Small letters do as well,
and dashes may be left out. A new sheet makes all codes of this one worthless.
Keep this where nobody else finds it, and apart from your password.

  1. K7QM-9TXR-4HWD-P2VN
  2. 0123-4567-89AB-CDEF
  3. ZYXW-VTSR-QPNM-KJHG
)");
}

TEST_F(Export, TextAsksForNoMoreThanOneCodeWhereOneIsEnough) {
  sheet_.required = 1;
  EXPECT_NE(Text().find("where the one-time code is asked for.\nEach code works once"),
            std::string::npos);
}

TEST_F(Export, TextShowsTheTimeOfTheHost) {
  const ZoneOfHost zone("CET-1");
  EXPECT_NE(Text().find("Issued:   2026-11-23 15:02\n"), std::string::npos);
}

TEST_F(Export, TextKeepsItsColumnsBeyondNineCodes) {
  for (int i = 0; i < 27; ++i) codes_.emplace_back(std::string_view("K7QM9TXR4HWDP2VN"));
  EXPECT_NE(Text().find("\n  9. K7QM-9TXR-4HWD-P2VN\n 10. K7QM-9TXR-4HWD-P2VN\n"),
            std::string::npos);
  EXPECT_TRUE(Text().ends_with("\n 30. K7QM-9TXR-4HWD-P2VN\n"));
}

TEST_F(Export, TextIsNoWiderThan80Columns) {
  std::size_t width = 0;
  for (const char c : Text()) {
    width = c == '\n' ? 0 : width + 1;
    EXPECT_LE(width, 80U);
  }
}

TEST_F(Export, JsonIsForPrograms) {
  EXPECT_EQ(Json(),
            R"({"format":"sparekey-backup-codes","version":1,"host":"nas.example","account":"ada",)"
            R"("sheet":3,"issued":"2026-11-23T14:02:00Z","required":2,)"
            R"("codes":["K7QM-9TXR-4HWD-P2VN","0123-4567-89AB-CDEF","ZYXW-VTSR-QPNM-KJHG"]})"
            "\n");
}

TEST_F(Export, JsonIsReadByAParser) {
  sheet_.host = "n\"a\\s\n\xc3\xa4\x01";
  sheet_.account = "EXAMPLE\\ada";
  const auto parsed = nlohmann::json::parse(Json());
  EXPECT_EQ(parsed["host"], sheet_.host);
  EXPECT_EQ(parsed["account"], sheet_.account);
  EXPECT_EQ(parsed["codes"].size(), 3U);
}

TEST_F(Export, JsonStandsAHostNameThatIsNotUtf8) {
  sheet_.host = "nas\xff";
  EXPECT_EQ(nlohmann::json::parse(Json())["host"], "nas\xef\xbf\xbd");
}

TEST_F(Export, JsonHoldsNoCodesWhereThereAreNone) {
  codes_.clear();
  EXPECT_TRUE(nlohmann::json::parse(Json())["codes"].empty());
}

TEST_F(Export, CodesAreReadBackFromBothForms) {
  const auto parsed = nlohmann::json::parse(Json());
  for (std::size_t i = 0; i < codes_.size(); ++i) {
    const std::string printed(FormatBackupCode(codes_[i]).ExposeText());
    EXPECT_NE(Text().find(printed), std::string::npos);
    const auto back = ParseBackupCode(parsed["codes"][i].get<std::string>());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->ExposeText(), codes_[i].ExposeText());
  }
}

}  // namespace
}  // namespace sparekey
