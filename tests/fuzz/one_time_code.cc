// SPDX-License-Identifier: Apache-2.0
// Whatever somebody types as a one-time code: it matches only where it is, digit for digit, the
// code of the step that it matched.
#include <cstdlib>
#include <vector>

#include "core/otp.h"
#include "service/login_request.h"
#include "tests/support/accounts.h"

namespace {

using namespace sparekey;  // NOLINT: one file, one purpose

std::vector<Authenticator> Authenticators() {
  std::vector<Authenticator> all;
  all.push_back(testing::MakeAuthenticator());
  all.push_back(testing::MakeAuthenticator("long"));
  all.back().digits = 8;
  all.back().algorithm = HashAlgorithm::kSha512;
  all.push_back(testing::MakeAuthenticator("key"));
  all.back().digits = 7;
  all.back().type = OtpType::kHotp;
  all.back().mark = 41;
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Authenticator> all = Authenticators();
  const SecretBytes typed(std::span(data, size));
  const SecretBytes text = WithoutSpaces(typed);
  if (AsksForRecovery(text) && LooksLikeOneTimeCode(text)) std::abort();
  for (const Authenticator& authenticator : all) {
    const OtpMatch match = MatchOtp(authenticator, text.ExposeText(), testing::kNow, 10);
    if (!match.fresh && !match.replay) continue;
    if (!LooksLikeOneTimeCode(text)) std::abort();
    const std::int64_t step = match.fresh ? *match.fresh : authenticator.mark;
    const SecretBytes right = ComputeOtp(authenticator.algorithm, authenticator.secret,
                                         static_cast<std::uint64_t>(step), authenticator.digits);
    if (right.ExposeText() != text.ExposeText()) std::abort();
    if (match.fresh && (match.replay || step <= authenticator.mark)) std::abort();
  }
  return 0;
}
