// SPDX-License-Identifier: Apache-2.0
#include "core/record_codec.h"

#include <limits>
#include <utility>
#include <vector>

#include "core/record_frame.h"

namespace sparekey {

void WriteGate(ByteWriter& out, const GateClosure& gate) {
  out.Time(gate.since);
  out.Text(std::string_view(gate.reason).substr(0, kMaxEventText));
}

GateClosure ReadGate(ByteReader& in) {
  GateClosure gate;
  gate.since = in.Time();
  gate.reason = in.Text();
  return gate;
}

void WriteContainment(ByteWriter& out, const Containment& containment) {
  out.Time(containment.since);
  out.Text(std::string_view(containment.reason).substr(0, kMaxEventText));
}

Containment ReadContainment(ByteReader& in) {
  Containment containment;
  containment.since = in.Time();
  containment.reason = in.Text();
  return containment;
}

namespace {

// What the system's record has behind the super-lockout, one bit each.
constexpr std::uint64_t kGate = 1 << 0, kContainment = 1 << 1;

void WriteSystem(ByteWriter& out, const SystemState& system) {
  out.Byte(system.super_locked ? 1 : 0);
  if (system.super_locked) {
    out.Time(system.super_locked->since);
    out.Number(system.super_locked->causes.size());
    for (const std::string& cause : system.super_locked->causes) out.Text(cause);
  }
  out.Number((system.gate ? kGate : 0) | (system.containment ? kContainment : 0));
  if (system.gate) WriteGate(out, *system.gate);
  if (system.containment) WriteContainment(out, *system.containment);
}

SystemState ReadSystem(ByteReader& in) {
  SystemState system;
  if (in.Flag()) {
    system.super_locked.emplace();
    system.super_locked->since = in.Time();
    const std::size_t causes = in.Count(std::numeric_limits<std::size_t>::max());
    for (std::size_t i = 0; i < causes && in.ok(); ++i) {
      system.super_locked->causes.push_back(in.Text());
    }
  }
  const std::uint64_t parts = in.Number(kGate | kContainment);
  if ((parts & kGate) != 0) system.gate = ReadGate(in);
  if ((parts & kContainment) != 0) system.containment = ReadContainment(in);
  return system;
}

void WritePolicy(ByteWriter& out, const Policy& policy) {
  const Policy defaults;
  std::vector<std::pair<std::string_view, std::string>> changed;
  for (const Setting& setting : Settings()) {
    std::string value = setting.get(policy);
    if (value != setting.get(defaults)) changed.emplace_back(setting.name, std::move(value));
  }
  out.Number(changed.size());
  for (const auto& [name, value] : changed) {
    out.Text(name);
    out.Text(value);
  }
}

void WriteEvent(ByteWriter& out, const Event& event) {
  out.Text(ToString(event.kind));
  out.Text(event.door ? ToString(*event.door) : "");
  out.Text(std::string_view(event.remote_host).substr(0, kMaxEventText));
  out.Text(std::string_view(event.detail).substr(0, kMaxEventText));
}

Event ReadEvent(ByteReader& in) {
  Event event;
  const auto kind = ParseEventKind(in.Text());
  const std::string door = in.Text();
  if (!door.empty()) event.door = ParseDoor(door);
  event.remote_host = in.Text();
  event.detail = in.Text();
  if (!kind || (!door.empty() && !event.door)) in.Fail();
  event.kind = kind.value_or(EventKind::kLogin);
  return event;
}

void WriteAlert(ByteWriter& out, const Alert& alert) {
  out.Time(alert.since);
  out.Time(alert.last);
  out.Number(alert.count);
  out.Text(std::string_view(alert.detail).substr(0, kMaxEventText));
}

Alert ReadAlert(ByteReader& in) {
  Alert alert;
  alert.since = in.Time();
  alert.last = in.Time();
  alert.count = in.Number();
  alert.detail = in.Text();
  return alert;
}

}  // namespace

SecretBytes EncodeSystem(const SystemState& system) { return EncodeRecord(system, WriteSystem); }
Result<SystemState> DecodeSystem(std::span<const std::uint8_t> bytes) {
  return DecodeRecord(bytes, "the system's record", ReadSystem);
}

SecretBytes EncodePolicy(const Policy& policy) { return EncodeRecord(policy, WritePolicy); }
Result<Policy> DecodePolicy(std::span<const std::uint8_t> bytes) {
  ByteReader in(bytes);
  Policy policy;
  if (in.Byte() != kRecordVersion) in.Fail();
  const std::size_t settings = in.Count(Settings().size());
  for (std::size_t i = 0; i < settings && in.ok(); ++i) {
    const std::string name = in.Text();
    const Status set = SetSetting(policy, name, in.Text());
    if (in.ok() && !set)
      return Error{ErrorCode::kDamaged, "stored settings: " + set.error().message};
  }
  if (!in.AtEnd()) return Error{ErrorCode::kDamaged, "the stored settings are malformed"};
  return policy;
}

SecretBytes EncodeEvent(const Event& event) { return EncodeRecord(event, WriteEvent); }
Result<Event> DecodeEvent(std::span<const std::uint8_t> bytes) {
  return DecodeRecord(bytes, "an event", ReadEvent);
}

SecretBytes EncodeAlert(const Alert& alert) { return EncodeRecord(alert, WriteAlert); }
Result<Alert> DecodeAlert(std::span<const std::uint8_t> bytes) {
  return DecodeRecord(bytes, "an alert", ReadAlert);
}

}  // namespace sparekey
