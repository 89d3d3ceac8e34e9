// SPDX-License-Identifier: Apache-2.0
#include "service/console_two_factor.h"

#include <utility>

#include "service/json.h"

namespace sparekey {
namespace {

// Nothing is written, and nothing is told, where it was so before.
Result<Changes> SwitchStep(Records& records, bool enabled, TimePoint now) {
  if (records.policy.enabled == enabled) return Changes{};
  records.policy.enabled = enabled;
  Event event;
  event.kind = enabled ? EventKind::kTwoFactorOn : EventKind::kTwoFactorOff;
  event.door = Door::kConsole;
  event.time = now;
  return Changes{{}, false, true, {event}};
}

}  // namespace

void SwitchTwoFactor(const Backend& backend, const HttpRequest& request, Respond respond) {
  const auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  const auto enabled = BoolField(*object, "enabled");
  if (!enabled) return respond(Problem(enabled.error()));
  if (!*enabled) return respond(Problem(Invalid("\"enabled\" is missing")));
  backend.OnStore(
      [on = **enabled, now = backend.clock()](Store& store) {
        const Status done = RunStep(
            store, {}, [on, now](Records& records) { return SwitchStep(records, on, now); });
        return done ? Reply(200, {{"enabled", on}}) : Problem(done.error());
      },
      std::move(respond));
}

}  // namespace sparekey
