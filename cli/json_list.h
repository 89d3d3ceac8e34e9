// SPDX-License-Identifier: Apache-2.0
// One JSON object that begins with a long list, printed element by element as it comes.
#pragma once

#include <string>
#include <string_view>

#include "cli/api.h"

namespace sparekey {

class JsonList {
 public:
  explicit JsonList(std::string_view key) : key_(key) {}

  // One element a line. false: nobody reads any more.
  bool Add(const Json& element);
  // With what else the object holds.
  bool End(const Json& members = Json::object());
  bool begun() const { return begun_; }

 private:
  std::string Head();

  const std::string key_;
  bool begun_ = false;
};

}  // namespace sparekey
