// SPDX-License-Identifier: Apache-2.0
#include "lockout/owner_notice.h"

#include <limits>
#include <utility>

namespace sparekey {

OwnerNotice KeepForOwner(Account& account, const Decision& decision, const std::string& host,
                         TimePoint now) {
  OwnerNotice& notice = account.notice;
  if (decision.verdict == Verdict::kAccept) {
    OwnerNotice told = std::exchange(notice, {});
    if (decision.reason == Reason::kRecovered) {
      notice.recovery = now;
      notice.recovery_host = host;
    }
    return told;
  }
  if (decision.reason == Reason::kWrongCode || decision.reason == Reason::kWrongCodes) {
    if (notice.failures < std::numeric_limits<int>::max()) ++notice.failures;
    notice.last_failure = now;
    notice.last_host = host;
  }
  return {};
}

}  // namespace sparekey
