// SPDX-License-Identifier: Apache-2.0
#include "core/otpauth.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace sparekey {
namespace {

constexpr std::string_view kSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";  // kBytes
constexpr std::string_view kBytes = "12345678901234567890";

Authenticator Totp() {
  Authenticator authenticator;
  authenticator.secret = SecretBytes(kBytes);
  return authenticator;
}

std::string Format(const Authenticator& authenticator, std::string_view issuer,
                   std::string_view account) {
  return std::string(FormatOtpauth(authenticator, issuer, account).ExposeText());
}

// `rest` behind a label and the secret.
std::string WithSecret(std::string_view rest, std::string_view type = "totp") {
  return "otpauth://" + std::string(type) + "/ada?secret=" + std::string(kSecret) +
         std::string(rest);
}

TEST(FormatOtpauth, WritesATotpAuthenticator) {
  EXPECT_EQ(Format(Totp(), "nas.example", "ada"),
            "otpauth://totp/nas.example:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
            "&issuer=nas.example&algorithm=SHA1&digits=6&period=30");
}

TEST(FormatOtpauth, WritesAHotpAuthenticatorWithTheCounterAfterItsMark) {
  Authenticator authenticator = Totp();
  authenticator.type = OtpType::kHotp;
  authenticator.digits = 8;
  EXPECT_EQ(Format(authenticator, "nas", "ada"),
            "otpauth://hotp/nas:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
            "&issuer=nas&algorithm=SHA1&digits=8&counter=0");
  authenticator.mark = 41;
  EXPECT_NE(Format(authenticator, "nas", "ada").find("&counter=42"), std::string::npos);
}

TEST(FormatOtpauth, NamesEveryAlgorithm) {
  Authenticator authenticator = Totp();
  authenticator.algorithm = HashAlgorithm::kSha256;
  EXPECT_NE(Format(authenticator, "n", "a").find("&algorithm=SHA256&"), std::string::npos);
  authenticator.algorithm = HashAlgorithm::kSha512;
  EXPECT_NE(Format(authenticator, "n", "a").find("&algorithm=SHA512&"), std::string::npos);
}

TEST(FormatOtpauth, EncodesIssuerAndAccount) {
  const std::string uri = Format(Totp(), "Ä & Söhne: NAS/1", "ada@ex.org?x=1&y#%~{");
  EXPECT_TRUE(
      uri.starts_with("otpauth://totp/%C3%84%20%26%20S%C3%B6hne%3A%20NAS%2F1:"
                      "ada%40ex.org%3Fx%3D1%26y%23%25~%7B?secret="))
      << uri;
  EXPECT_NE(uri.find("&issuer=%C3%84%20%26%20S%C3%B6hne%3A%20NAS%2F1&"), std::string::npos);
}

TEST(FormatOtpauth, LeavesAnEmptyIssuerOut) {
  EXPECT_EQ(Format(Totp(), "", "ada"),
            "otpauth://totp/ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
            "&algorithm=SHA1&digits=6&period=30");
}

TEST(ParseOtpauth, ReadsBackWhatWasWritten) {
  for (const std::string issuer : {"nas.example", "Ä: & Söhne", ""}) {
    for (const auto type : {OtpType::kTotp, OtpType::kHotp}) {
      for (const auto algorithm :
           {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha512}) {
        Authenticator authenticator = Totp();
        authenticator.type = type;
        authenticator.algorithm = algorithm;
        authenticator.digits = 7;
        if (type == OtpType::kTotp) authenticator.interval = std::chrono::seconds(45);
        if (type == OtpType::kHotp) authenticator.mark = 1LL << 40;
        const auto parsed = ParseOtpauth(Format(authenticator, issuer, "ada lovelace%"));
        ASSERT_TRUE(parsed) << parsed.error().message;
        EXPECT_EQ(parsed->issuer, issuer);
        EXPECT_EQ(parsed->account, "ada lovelace%");
        EXPECT_EQ(parsed->authenticator.type, type);
        EXPECT_EQ(parsed->authenticator.algorithm, algorithm);
        EXPECT_EQ(parsed->authenticator.digits, 7);
        EXPECT_EQ(parsed->authenticator.interval, authenticator.interval);
        EXPECT_EQ(parsed->authenticator.mark, authenticator.mark);
        EXPECT_EQ(parsed->authenticator.secret.ExposeText(), kBytes);
        EXPECT_EQ(parsed->authenticator.label, "");
      }
    }
  }
}

TEST(ParseOtpauth, TakesTheDefaultsWhereNothingIsGiven) {
  const auto parsed = ParseOtpauth(WithSecret(""));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->issuer, "");
  EXPECT_EQ(parsed->account, "ada");
  EXPECT_EQ(parsed->authenticator.algorithm, HashAlgorithm::kSha1);
  EXPECT_EQ(parsed->authenticator.digits, 6);
  EXPECT_EQ(parsed->authenticator.interval, std::chrono::seconds(30));
  EXPECT_EQ(parsed->authenticator.mark, -1);
}

TEST(ParseOtpauth, ReadsTheColonOfTheLabelInEveryForm) {
  for (const std::string label :
       {"nas:ada", "nas%3Aada", "nas%3aada", "nas:%20%20ada", "nas: ada"}) {
    const auto parsed = ParseOtpauth("otpauth://totp/" + label + "?secret=" + std::string(kSecret));
    ASSERT_TRUE(parsed) << label;
    EXPECT_EQ(parsed->issuer, "nas") << label;
    EXPECT_EQ(parsed->account, "ada") << label;
  }
}

TEST(ParseOtpauth, BelievesTheIssuerParameterBeforeTheLabel) {
  const auto parsed =
      ParseOtpauth("otpauth://totp/old:ada?issuer=new%20one&secret=" + std::string(kSecret));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->issuer, "new one");
  EXPECT_EQ(parsed->account, "ada");
}

TEST(ParseOtpauth, ReadsAnyCaseOfSchemeTypeNamesAndAlgorithm) {
  const auto parsed = ParseOtpauth(
      "OTPAuth://TOTP/Ada?SECRET=gezdgnbvgy3tqojqgezdgnbvgy3tqojq"
      "&Algorithm=sha256");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->account, "Ada");
  EXPECT_EQ(parsed->authenticator.algorithm, HashAlgorithm::kSha256);
}

TEST(ParseOtpauth, IgnoresParametersThatItDoesNotKnow) {
  for (const std::string rest :
       {"&image=https%3A%2F%2Fex.org%2Fa.png", "&lock=true", "&x", "&=", "&"}) {
    EXPECT_TRUE(ParseOtpauth(WithSecret(rest))) << rest;
  }
}

TEST(ParseOtpauth, ReadsTheEndsOfEveryRange) {
  for (const std::string rest : {"&digits=6", "&digits=8", "&period=5", "&period=3600",
                                 "&counter=0", "&counter=9223372036854775807"}) {
    EXPECT_TRUE(ParseOtpauth(WithSecret(rest))) << rest;
  }
  const auto last = ParseOtpauth(WithSecret("&counter=9223372036854775807", "hotp"));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->authenticator.mark, std::numeric_limits<std::int64_t>::max() - 1);
  EXPECT_TRUE(ParseOtpauth("otpauth://totp/a?secret=" + std::string(26, 'A')));   // 16 bytes
  EXPECT_TRUE(ParseOtpauth("otpauth://totp/a?secret=" + std::string(103, 'A')));  // 64 bytes
  EXPECT_TRUE(ParseOtpauth("otpauth://totp/a?secret=" + std::string(26, 'A') + "%3D%3d===="));
}

TEST(ParseOtpauth, RefusesWhatIsNoKeyUri) {
  const std::string secret = "secret=" + std::string(kSecret);
  const std::vector<std::string> bad{
      "", "o", "otpauth", "otpauth:/", "otpauth://", "http://totp/ada?" + secret,
      " otpauth://totp/ada?" + secret, "otpauth:totp/ada?" + secret, "otpauth:///ada?" + secret,
      "otpauth://motp/ada?" + secret, "otpauth://totp?" + secret, "otpauth://totp/?" + secret,
      "otpauth://totp/nas:?" + secret, "otpauth://totp/nas:%20?" + secret,
      "otpauth://totp/a%?" + secret, "otpauth://totp/a%4?" + secret,
      "otpauth://totp/a%4g?" + secret, "otpauth://totp/a%g4?" + secret,
      "otpauth://totp/a%+4?" + secret, "otpauth://totp/a%00b?" + secret,
      "otpauth://totp/a%0ab?" + secret, "otpauth://totp/a\nb?" + secret,
      "otpauth://totp/a%7fb?" + secret, "otpauth://totp/n%1b:ada?" + secret,
      "otpauth://totp/%zz:ada?" + secret, "otpauth://totp/ada", "otpauth://totp/ada?",
      "otpauth://totp/ada?secret", "otpauth://totp/ada?secret=", "otpauth://totp/ada?issuer=x",
      "otpauth://totp/ada&" + secret,
      // too short (15 bytes), too long (65), not base32
      "otpauth://totp/ada?secret=" + std::string(24, 'A'),
      "otpauth://totp/ada?secret=" + std::string(104, 'A'),
      "otpauth://totp/ada?secret=" + std::string(10'240, 'A'),
      "otpauth://totp/ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1",
      "otpauth://totp/ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ#",
      "otpauth://totp/ada?secret=%ZZ", WithSecret("&" + secret), WithSecret("&digits=6&digits=6"),
      WithSecret("&x=1&X=2"), WithSecret("&issuer=%0d"), WithSecret("&issuer=%"),
      WithSecret("&x=%"), WithSecret("&digits="), WithSecret("&digits"), WithSecret("&digits=5"),
      WithSecret("&digits=9"), WithSecret("&digits=-6"), WithSecret("&digits=+6"),
      WithSecret("&digits=6.0"), WithSecret("&digits=six"), WithSecret("&digits= 6"),
      WithSecret("&digits=6%20"), WithSecret("&digits=18446744073709551622"),
      WithSecret("&period=4"), WithSecret("&period=3601"), WithSecret("&period=0"),
      WithSecret("&period=30s"), WithSecret("&counter=-1"), WithSecret("&counter=x"),
      WithSecret("&algorithm="), WithSecret("&algorithm=MD5"), WithSecret("&algorithm=HmacSHA1"),
      WithSecret("", "hotp"), WithSecret("&counter=", "hotp"), WithSecret("&counter=-1", "hotp"),
      WithSecret("&counter=9223372036854775808", "hotp"),
      WithSecret("&counter=0&period=4", "hotp")};
  for (const std::string& uri : bad) {
    const auto parsed = ParseOtpauth(uri);
    ASSERT_FALSE(parsed) << uri;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid) << uri;
    EXPECT_TRUE(parsed.error().message.starts_with("otpauth URI: ")) << uri;
    EXPECT_EQ(parsed.error().message.find("GEZD"), std::string::npos) << parsed.error().message;
  }
}

TEST(ParseOtpauth, NamesTheRangeThatWasLeft) {
  EXPECT_EQ(ParseOtpauth(WithSecret("&digits=9")).error().message,
            "otpauth URI: digits must be 6..8");
  EXPECT_EQ(ParseOtpauth(WithSecret("&period=1")).error().message,
            "otpauth URI: period must be 5..3600");
}

}  // namespace
}  // namespace sparekey
