// SPDX-License-Identifier: Apache-2.0
#include "core/otpauth.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "core/base32.h"

namespace sparekey {
namespace {

constexpr std::string_view kScheme = "otpauth://";
constexpr std::size_t kMinSecretBytes = 16;
constexpr std::size_t kMaxSecretBytes = 64;
constexpr std::int64_t kMaxCounter = std::numeric_limits<std::int64_t>::max();

// ASCII only, whatever the locale.
std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view UriName(HashAlgorithm algorithm) {
  if (algorithm == HashAlgorithm::kSha256) return "SHA256";
  if (algorithm == HashAlgorithm::kSha512) return "SHA512";
  return "SHA1";
}

// RFC 3986 section 2.3.
bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return encoded;
}

// The byte that begins `text` ("a", "%40"), which is moved behind it. nullopt: malformed, or a
// control character.
std::optional<std::uint8_t> TakeByte(std::string_view& text) {
  auto byte = static_cast<std::uint8_t>(text.front());
  text.remove_prefix(1);
  if (byte == '%') {
    const std::string_view hex = text.substr(0, 2);
    const auto parsed = std::from_chars(hex.data(), hex.data() + hex.size(), byte, 16);
    if (hex.size() != 2 || parsed.ptr != hex.data() + 2) return std::nullopt;
    text.remove_prefix(2);
  }
  if (byte < ' ' || byte == 0x7f) return std::nullopt;
  return byte;
}

// Into wiped memory, since one of the values is the secret.
std::optional<SecretBytes> PercentDecode(std::string_view text) {
  SecretBytes decoded(text.size());
  std::size_t size = 0;
  while (!text.empty()) {
    const auto byte = TakeByte(text);
    if (!byte) return std::nullopt;
    decoded.Expose()[size++] = *byte;
  }
  return SecretBytes(decoded.ExposeText().substr(0, size));
}

// The text before the first `separator`; `text` keeps what is behind it.
std::string_view TakeUntil(std::string_view& text, std::string_view separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + separator.size(), text.size()));
  return taken;
}

using Parameters = std::map<std::string, SecretBytes, std::less<>>;

Result<Parameters> ParseParameters(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    std::string_view value = TakeUntil(query, "&");
    std::string name = Lower(TakeUntil(value, "="));
    auto decoded = PercentDecode(value);
    if (!decoded) return Invalid("otpauth URI: a parameter is not percent-encoded text");
    if (!parameters.emplace(std::move(name), std::move(*decoded)).second) {
      return Invalid("otpauth URI: a parameter is given twice");
    }
  }
  return parameters;
}

// A decimal number without a sign between two limits; `otherwise` where it is not given.
Result<std::int64_t> Number(const Parameters& parameters, std::string_view name,
                            std::int64_t otherwise, std::int64_t low, std::int64_t high) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return otherwise;
  const std::string_view text = found->second.ExposeText();
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() ||
      number < static_cast<std::uint64_t>(low) || number > static_cast<std::uint64_t>(high)) {
    return Invalid("otpauth URI: " + std::string(name) + " must be " + std::to_string(low) + ".." +
                   std::to_string(high));
  }
  return static_cast<std::int64_t>(number);
}

// ISSUER:ACCOUNT or ACCOUNT; the colon as itself or encoded, spaces before the account allowed.
Status ParseLabel(std::string_view label, OtpauthUri& uri) {
  std::string_view issuer;
  for (const std::string_view colon : {":", "%3A", "%3a"}) {
    if (label.find(colon) == std::string_view::npos) continue;
    issuer = TakeUntil(label, colon);
    break;
  }
  const auto decoded_issuer = PercentDecode(issuer);
  const auto decoded_account = PercentDecode(label);
  if (!decoded_issuer || !decoded_account) {
    return Invalid("otpauth URI: the label is not percent-encoded text");
  }
  std::string_view account = decoded_account->ExposeText();
  account.remove_prefix(std::min(account.find_first_not_of(' '), account.size()));
  if (account.empty()) return Invalid("otpauth URI: the label names no account");
  uri.issuer = decoded_issuer->ExposeText();
  uri.account = account;
  return Ok();
}

Result<SecretBytes> ParseSecret(const Parameters& parameters) {
  const auto found = parameters.find("secret");
  if (found == parameters.end()) return Invalid("otpauth URI: secret is missing");
  auto secret = DecodeBase32(found->second.ExposeText());
  if (!secret) return Invalid("otpauth URI: secret is not base32");
  if (secret->size() < kMinSecretBytes || secret->size() > kMaxSecretBytes) {
    return Invalid("otpauth URI: secret must have 16..64 bytes");
  }
  return std::move(*secret);
}

// Counter and period are checked for either type, though only one of them counts.
Status ParseNumbers(const Parameters& parameters, Authenticator& authenticator) {
  const auto digits = Number(parameters, "digits", 6, 6, 8);
  if (!digits) return digits.error();
  const auto period = Number(parameters, "period", 30, 5, 3600);
  if (!period) return period.error();
  const auto counter = Number(parameters, "counter", 0, 0, kMaxCounter);
  if (!counter) return counter.error();
  authenticator.digits = static_cast<int>(*digits);
  if (authenticator.type == OtpType::kTotp) {
    authenticator.interval = std::chrono::seconds(*period);
    return Ok();
  }
  if (!parameters.contains("counter")) return Invalid("otpauth URI: hotp needs a counter");
  authenticator.mark = *counter - 1;
  return Ok();
}

Status ParseAuthenticator(const Parameters& parameters, Authenticator& authenticator) {
  auto secret = ParseSecret(parameters);
  if (!secret) return secret.error();
  authenticator.secret = *std::move(secret);
  if (const auto found = parameters.find("algorithm"); found != parameters.end()) {
    const auto algorithm = ParseHashAlgorithm(Lower(found->second.ExposeText()));
    if (!algorithm) return Invalid("otpauth URI: algorithm must be SHA1, SHA256 or SHA512");
    authenticator.algorithm = *algorithm;
  }
  return ParseNumbers(parameters, authenticator);
}

}  // namespace

SecretBytes FormatOtpauth(const Authenticator& authenticator, std::string_view issuer,
                          std::string_view account) {
  const std::string encoded_issuer = PercentEncode(issuer);
  std::string head(kScheme);
  head.append(ToString(authenticator.type)).append("/");
  if (!issuer.empty()) head.append(encoded_issuer).append(":");
  head.append(PercentEncode(account)).append("?secret=");

  std::string tail;
  if (!issuer.empty()) tail.append("&issuer=").append(encoded_issuer);
  tail.append("&algorithm=").append(UriName(authenticator.algorithm));
  tail.append("&digits=").append(std::to_string(authenticator.digits));
  if (authenticator.type == OtpType::kTotp) {
    tail.append("&period=").append(std::to_string(authenticator.interval.count()));
  } else {
    tail.append("&counter=").append(std::to_string(authenticator.mark + 1));
  }

  const SecretBytes secret = EncodeBase32(authenticator.secret.Expose());
  SecretBytes uri(head.size() + secret.size() + tail.size());
  auto out = uri.Expose().begin();
  for (const std::string_view part :
       {std::string_view(head), secret.ExposeText(), std::string_view(tail)}) {
    out = std::copy(part.begin(), part.end(), out);
  }
  return uri;
}

Result<OtpauthUri> ParseOtpauth(std::string_view uri) {
  if (Lower(uri.substr(0, kScheme.size())) != kScheme) {
    return Invalid("otpauth URI: must begin with otpauth://");
  }
  uri.remove_prefix(kScheme.size());
  std::string_view label = TakeUntil(uri, "?");
  const auto type = ParseOtpType(Lower(TakeUntil(label, "/")));
  if (!type) return Invalid("otpauth URI: type must be totp or hotp");

  OtpauthUri parsed;
  parsed.authenticator.type = *type;
  if (const Status status = ParseLabel(label, parsed); !status) return status.error();
  const auto parameters = ParseParameters(uri);
  if (!parameters) return parameters.error();
  if (const auto issuer = parameters->find("issuer"); issuer != parameters->end()) {
    parsed.issuer = issuer->second.ExposeText();
  }
  const Status status = ParseAuthenticator(*parameters, parsed.authenticator);
  if (!status) return status.error();
  return parsed;
}

}  // namespace sparekey
