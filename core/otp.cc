// SPDX-License-Identifier: Apache-2.0
#include "core/otp.h"

#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "core/policy.h"

namespace sparekey {
namespace {

constexpr std::int64_t kLastStep = std::numeric_limits<std::int64_t>::max();

// Nettle leaves the padded key and digests where its calls were.
constexpr std::size_t kNettlesStack = 1024;

const nettle_hash& HashOf(HashAlgorithm algorithm) {
  if (algorithm == HashAlgorithm::kSha256) return nettle_sha256;
  if (algorithm == HashAlgorithm::kSha512) return nettle_sha512;
  return nettle_sha1;
}

// RFC 4226 section 5.3 for one secret, which is scheduled into the HMAC once.
class CodeGenerator {
 public:
  CodeGenerator(HashAlgorithm algorithm, const SecretBytes& secret) : hash_(HashOf(algorithm)) {
    hmac_set_key(&outer_, &inner_, &state_, &hash_, secret.size(), secret.Expose().data());
    sodium_stackzero(kNettlesStack);
  }
  CodeGenerator(const CodeGenerator&) = delete;
  CodeGenerator& operator=(const CodeGenerator&) = delete;
  ~CodeGenerator() {
    for (Context* const context : {&outer_, &inner_, &state_}) {
      Wipe(std::span(reinterpret_cast<std::uint8_t*>(context), sizeof *context));
    }
    sodium_stackzero(kNettlesStack);
  }

  // Fills `code` with decimal digits, one a byte. Divides by constants only: no time that depends
  // on the value.
  void Compute(std::uint64_t step, std::span<std::uint8_t> code) {
    std::uint32_t value = Truncate(step);
    for (std::size_t i = code.size(); i-- > 0; value /= 10) {
      code[i] = static_cast<std::uint8_t>('0' + value % 10);
    }
  }

 private:
  std::uint32_t Truncate(std::uint64_t step) {
    std::array<std::uint8_t, 8> message{};
    for (int i = 7; i >= 0; --i, step >>= 8) message[i] = static_cast<std::uint8_t>(step);
    std::array<std::uint8_t, SHA512_DIGEST_SIZE> mac{};
    hmac_update(&state_, &hash_, message.size(), message.data());
    // Begins a new message under the same key, too.
    hmac_digest(&outer_, &inner_, &state_, &hash_, hash_.digest_size, mac.data());
    const std::size_t offset = mac[hash_.digest_size - 1] & 0x0f;
    const std::uint32_t value = (mac[offset] & 0x7fU) << 24 | mac[offset + 1] << 16 |
                                mac[offset + 2] << 8 | mac[offset + 3];
    Wipe(std::span(mac));
    return value;
  }

  union Context {
    sha1_ctx sha1;
    sha256_ctx sha256;
    sha512_ctx sha512;
  };
  const nettle_hash& hash_;
  Context outer_, inner_, state_;
};

struct Steps {
  std::int64_t first;
  std::int64_t last;  // first - 1: none
};

// The steps whose codes count at `now`; those up to the mark are still among them.
std::optional<Steps> Window(const Authenticator& authenticator, TimePoint now, int window) {
  if (authenticator.type == OtpType::kHotp) {
    const std::int64_t mark = std::clamp<std::int64_t>(authenticator.mark, -1, kLastStep - 1);
    return Steps{mark + 1, mark + std::min<std::int64_t>(kHotpLookAhead, kLastStep - 1 - mark)};
  }
  const auto step = TotpStep(now, authenticator.interval);
  if (!step) return std::nullopt;
  return Steps{std::max<std::int64_t>(*step - window, 0),
               std::min(*step, kLastStep - 1 - window) + window};
}

// HMAC fills a key up with zeros (RFC 2104, section 2), so zeros at the end make no other key.
bool IsSameKey(const SecretBytes& a, const SecretBytes& b) {
  auto shorter = a.Expose(), longer = b.Expose();
  if (longer.size() < shorter.size()) std::swap(shorter, longer);
  const auto rest = longer.subspan(shorter.size());
  return ConstantTimeEqual(shorter, longer.first(shorter.size())) &&
         sodium_is_zero(rest.data(), rest.size()) != 0;
}

}  // namespace

SecretBytes ComputeOtp(HashAlgorithm algorithm, const SecretBytes& secret, std::uint64_t step,
                       int digits) {
  SecretBytes code(static_cast<std::size_t>(digits));
  CodeGenerator(algorithm, secret).Compute(step, code.Expose());
  return code;
}

std::optional<std::int64_t> TotpStep(TimePoint time, std::chrono::seconds interval) {
  const auto since_epoch = time.time_since_epoch();
  if (since_epoch.count() < 0 || interval.count() < 1) return std::nullopt;
  return since_epoch / interval;
}

OtpMatch MatchOtp(const Authenticator& authenticator, std::string_view code, TimePoint now,
                  int window) {
  const auto steps = Window(authenticator, now, window);
  const int digits = authenticator.digits;
  if (!steps || digits < 6 || digits > 8 || authenticator.secret.empty()) return {};

  CodeGenerator generator(authenticator.algorithm, authenticator.secret);
  SecretBytes expected(static_cast<std::size_t>(digits));
  const auto is_code_of = [&](std::int64_t step) {
    generator.Compute(static_cast<std::uint64_t>(step), expected.Expose());
    return ConstantTimeEqual(expected.ExposeText(), code);
  };
  const std::int64_t mark = authenticator.mark;
  std::int64_t lowest = -1;
  for (std::int64_t step = steps->last; step >= steps->first; --step) {
    // Arithmetic instead of a branch: the time must not say which step it was.
    const std::int64_t matches = is_code_of(step) & (step > mark);
    lowest = matches * step + (1 - matches) * lowest;
  }
  OtpMatch match;
  if (mark >= 0) match.replay = is_code_of(mark);
  if (lowest >= 0 && !match.replay) match.fresh = lowest;
  return match;
}

std::optional<std::int64_t> FindConsecutive(const Authenticator& authenticator,
                                            std::string_view first, std::string_view second) {
  const int digits = authenticator.digits;
  if (authenticator.type != OtpType::kHotp || digits < 6 || digits > 8) return std::nullopt;
  if (authenticator.secret.empty() || authenticator.mark > kLastStep - 2 - kResyncWindow) {
    return std::nullopt;
  }
  CodeGenerator generator(authenticator.algorithm, authenticator.secret);
  SecretBytes expected(static_cast<std::size_t>(digits));
  std::int64_t highest = -1, before = 0;
  for (std::int64_t i = 1; i <= kResyncWindow + 1; ++i) {
    const std::int64_t step = authenticator.mark + i;
    generator.Compute(static_cast<std::uint64_t>(step), expected.Expose());
    const std::int64_t matches = before & ConstantTimeEqual(expected.ExposeText(), second);
    highest = matches * step + (1 - matches) * highest;
    before = ConstantTimeEqual(expected.ExposeText(), first);
  }
  return highest >= 0 ? std::optional(highest) : std::nullopt;
}

bool MakeSameCodes(const Authenticator& a, const Authenticator& b) {
  const bool same_steps = a.type == OtpType::kHotp || a.interval == b.interval;
  return a.type == b.type && a.algorithm == b.algorithm && same_steps &&
         IsSameKey(a.secret, b.secret);
}

bool IsClockUsable(const Authenticator& authenticator, TimePoint now, TimePoint built, int window) {
  if (authenticator.type == OtpType::kHotp) return true;
  const auto step = TotpStep(now, authenticator.interval);
  return step && now >= built && authenticator.mark - *step <= window;
}

}  // namespace sparekey
