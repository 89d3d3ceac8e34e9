// SPDX-License-Identifier: Apache-2.0
// What the module reads: replies of sparekeyd, and its own options.
#include <cstdlib>
#include <vector>

#include "pam/login.h"
#include "pam/messages.h"
#include "pam/options.h"
#include "pam/text.h"

namespace {

using namespace sparekey::pam;  // NOLINT: all of it is what is tried

void Require(bool claim) {
  if (!claim) std::abort();
}

bool IsOneWord(const std::string& text) {
  return !text.empty() && text.size() <= 128 && text.find_first_of("/ \r\n\"\\") == text.npos;
}

void TryReply(std::string_view body) {
  const auto reply = ParseLoginReply(body);
  (void)ParseProblemCode(body);
  const auto session = ParseSessionReply(body);
  if (session) Require(IsOneWord(*session));
  if (!reply) return;
  Require(reply->say.size() <= 32 && reply->ask.size() <= 32);
  for (const auto& question : reply->ask) Require(IsOneWord(question.id));
  if (reply->verdict == Verdict::kNone) {
    Require(IsOneWord(reply->login) && !reply->ask.empty());
  } else if (CodeOf(*reply, Options()) == PAM_SUCCESS) {
    Require(reply->verdict == Verdict::kAccept);
  }
}

void TryOptions(std::string_view line) {
  std::vector<std::string> words(1);
  for (const char c : line.substr(0, line.find('\0'))) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  std::vector<const char*> pointers;
  for (const auto& word : words) pointers.push_back(word.c_str());
  const auto options = ParseOptions(pointers);
  if (!options) return Require(Escaped(options.error().message).find('\n') == std::string::npos);
  Require(options->timeout.count() >= 1 && options->timeout.count() <= 30);
  Require(options->code_digits >= 6 && options->code_digits <= 8);
  Require(options->socket.starts_with('/'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TryReply(text);
  TryOptions(text);
  return 0;
}
