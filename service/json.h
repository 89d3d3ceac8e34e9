// SPDX-License-Identifier: Apache-2.0
// JSON of the API: reading request bodies without exceptions, writing answers.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/events.h"
#include "core/json_writer.h"
#include "core/result.h"
#include "service/backend.h"
#include "service/http_server.h"

namespace sparekey {

using Json = nlohmann::json;

// One object; kInvalid otherwise. Nesting is bounded.
Result<Json> ParseObject(const SecretBytes& body);

// nullopt: absent or null. kInvalid: another type, or text longer than `limit` bytes.
Result<std::optional<std::string>> TextField(const Json& object, const char* name,
                                             std::size_t limit = 256);
Result<std::optional<bool>> BoolField(const Json& object, const char* name);
Result<std::optional<std::int64_t>> NumberField(const Json& object, const char* name);

HttpResponse Reply(int status, const Json& value);
HttpResponse Reply(int status, const JsonWriter& json);
// Wipes every text in the value after writing it: for answers that hold secrets.
HttpResponse SecretReply(int status, Json value);
void WipeTexts(Json& value);

Json TimeOrNull(const std::optional<TimePoint>& time);
// Without what was pending and is over at `now`.
Json ToJson(const Account& account, const Policy& policy, TimePoint now);
Json ToJson(const Event& event);
Json GateJson(const std::optional<GateClosure>& gate);  // {"ssh_gate","since","reason"}

}  // namespace sparekey
