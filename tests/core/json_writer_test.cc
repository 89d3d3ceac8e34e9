// SPDX-License-Identifier: Apache-2.0
#include "core/json_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>

namespace sparekey {
namespace {

using nlohmann::json;

TEST(JsonWriter, WritesWhatAnotherReaderReads) {
  JsonWriter writer(1);  // grows
  writer.StartObject();
  writer.AddText("text", "a\"b\\c\n\t\x01\x7f\xc3\xa9\xf0\x9f\x94\x91");
  writer.AddFlag("yes", true);
  writer.AddFlag("no", false);
  writer.AddName("none");
  writer.AddNull();
  writer.AddName("numbers");
  writer.StartArray();
  writer.AddNumber(0);
  writer.AddNumber(INT64_MIN);
  writer.StartObject();
  writer.EndObject();
  writer.EndArray();
  writer.AddText("", "");
  writer.EndObject();
  ASSERT_TRUE(writer.IsGood());
  EXPECT_EQ(json::parse(writer.text()),
            (json{{"text", "a\"b\\c\n\t\x01\x7f\xc3\xa9\xf0\x9f\x94\x91"},
                  {"yes", true},
                  {"no", false},
                  {"none", nullptr},
                  {"numbers", {0, INT64_MIN, json::object()}},
                  {"", ""}}));
}

TEST(JsonWriter, IsBadWithWhatIsNoText) {
  for (const char* const bad : {"\xff", "a\xc3", "\xed\xa0\x80"}) {
    JsonWriter writer(64);
    writer.AddText(bad);
    EXPECT_FALSE(writer.IsGood());
  }
}

}  // namespace
}  // namespace sparekey
