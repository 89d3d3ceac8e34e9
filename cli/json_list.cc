// SPDX-License-Identifier: Apache-2.0
#include "cli/json_list.h"

#include <utility>

#include "cli/text.h"

namespace sparekey {
namespace {

std::string Dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string JsonList::Head() {
  return std::exchange(begun_, true) ? ",\n" : "{" + Dump(key_) + ":[\n";
}

bool JsonList::Add(const Json& element) { return Print(Head() + Dump(element)); }

bool JsonList::End(const Json& members) {
  std::string text = begun_ ? "" : Head();
  text += "]";
  for (const auto& [key, value] : members.items()) text += "," + Dump(key) + ":" + Dump(value);
  return Print(text + "}\n");
}

}  // namespace sparekey
