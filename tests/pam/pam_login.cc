// SPDX-License-Identifier: Apache-2.0
#include "tests/pam/pam_login.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace sparekey {
namespace {

void ReplaceAll(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

bool IsPrompt(int style) { return style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON; }

}  // namespace

void PamServices::Write(const std::string& service, std::string lines) {
  ReplaceAll(lines, "$sparekey", PAM_SPAREKEY);
  ReplaceAll(lines, "$first", PAM_FIRST_FACTOR);
  std::ofstream(folder_ / service) << lines << "\n";
  std::ofstream(folder_ / "other") << "auth required pam_deny.so\naccount required pam_deny.so\n";
}

PamLogin::PamLogin(const std::string& folder, const std::string& user, const std::string& service) {
  const pam_conv conversation{&PamLogin::Converse, this};
  if (pam_start_confdir(service.c_str(), user.c_str(), &conversation, folder.c_str(), &handle_) !=
      PAM_SUCCESS) {
    throw std::runtime_error("pam_start_confdir");
  }
}

PamLogin::~PamLogin() { pam_end(handle_, PAM_SUCCESS); }

PamLogin& PamLogin::Answers(std::deque<std::optional<std::string>> answers) {
  answers_ = std::move(answers);
  return *this;
}

PamLogin& PamLogin::AnsweredBy(Person person) {
  person_ = std::move(person);
  return *this;
}

PamLogin& PamLogin::Item(int item, const std::string& text) {
  pam_set_item(handle_, item, text.c_str());
  return *this;
}

PamLogin& PamLogin::Environment(const std::string& assignment) {
  pam_putenv(handle_, assignment.c_str());
  return *this;
}

std::vector<std::string> PamLogin::Prompts() const {
  std::vector<std::string> prompts;
  for (const auto& [style, text] : said_) {
    if (IsPrompt(style)) prompts.push_back(text);
  }
  return prompts;
}

std::string PamLogin::Texts() const {
  std::string texts;
  for (const auto& [style, text] : said_) {
    if (!IsPrompt(style)) texts += text + "\n";
  }
  return texts;
}

std::optional<std::string> PamLogin::NextAnswer(const std::string& prompt) {
  if (answers_.empty()) return person_ ? person_(prompt) : std::nullopt;
  std::optional<std::string> answer = std::move(answers_.front());
  answers_.pop_front();
  return answer;
}

int PamLogin::Converse(int count, const pam_message** messages, pam_response** responses,
                       void* self) {
  auto& login = *static_cast<PamLogin*>(self);
  auto* const replies = static_cast<pam_response*>(
      std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  for (int i = 0; i < count; ++i) {
    login.said_.push_back({messages[i]->msg_style, messages[i]->msg});
    if (!IsPrompt(messages[i]->msg_style)) continue;
    const auto answer = login.NextAnswer(messages[i]->msg);
    if (!answer) {
      std::free(replies);
      return PAM_CONV_ERR;
    }
    replies[i].resp = strdup(answer->c_str());
  }
  *responses = replies;
  return PAM_SUCCESS;
}

}  // namespace sparekey
