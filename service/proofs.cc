// SPDX-License-Identifier: Apache-2.0
#include "service/proofs.h"

#include <algorithm>
#include <utility>

#include "service/account_step.h"
#include "service/json.h"
#include "service/logging.h"
#include "service/login_request.h"
#include "service/words.h"

namespace sparekey {
namespace {

constexpr std::size_t kLongestPassword = 511;  // PAM_MAX_RESP_SIZE holds a NUL too

HttpResponse ProofNeeded() {
  HttpResponse response =
      Reply(403, {{"type", "about:blank"},
                  {"title", "Proof needed"},
                  {"status", 403},
                  {"detail", "prove password and code on this connection first"},
                  {"code", "proof_needed"}});
  response.content_type = "application/problem+json";
  return response;
}

// In the form of a login's verdict. Nothing of ours was counted.
HttpResponse WrongPassword() {
  JsonWriter json(kUsualReply);
  json.StartObject();
  json.AddName("login");
  json.AddNull();
  AddSaid(json, "That password is wrong, or PAM denies this account just now.", false);
  json.AddName("ask");
  json.StartArray();
  json.EndArray();
  json.AddText("verdict", "deny");
  json.AddText("reason", "wrong_password");
  json.EndObject();
  return Reply(200, json);
}

Result<SecretBytes> TakePassword(const SecretBytes& body) {
  auto object = ParseObject(body);
  if (!object) return object.error();
  auto text = TextField(*object, "password", kLongestPassword);
  WipeTexts(*object);
  if (!text) return text.error();
  if (!*text) return Invalid("\"password\" is missing");
  SecretBytes password{std::string_view(**text)};
  Wipe(std::span<char>(**text));
  if (password.ExposeText().find('\0') != std::string_view::npos) {
    return Invalid("\"password\" holds a NUL");
  }
  return password;
}

}  // namespace

void ProofTable::Add(std::uint64_t connection, Proof proof, TimePoint now) {
  proof.expires = now + kProofLifetime;
  std::erase_if(proofs_, [now](const auto& entry) { return entry.second.expires <= now; });
  proofs_.erase(connection);
  if (proofs_.size() >= kMostProofs) {
    proofs_.erase(std::ranges::min_element(proofs_, {},
                                           [](const auto& entry) { return entry.second.expires; }));
  }
  proofs_.emplace(connection, std::move(proof));
}

const ProofTable::Proof* ProofTable::Find(const Peer& peer, const std::string& account,
                                          TimePoint now) const {
  const auto found = proofs_.find(peer.connection);
  if (found == proofs_.end()) return nullptr;
  const Proof& proof = found->second;
  const bool counts = proof.account == account && proof.uid == peer.uid && proof.expires > now;
  return counts ? &proof : nullptr;
}

void ProofTable::EndOthers(const std::string& account, std::uint64_t connection) {
  std::erase_if(proofs_, [&](const auto& entry) {
    return entry.first != connection && (account.empty() || entry.second.account == account);
  });
}

Proofs::Proofs(const Backend& backend, Logins::EndSessions end_sessions)
    : backend_(backend), logins_(backend, std::move(end_sessions)) {}

void Proofs::Begin(const std::string& account, const HttpRequest& request, Respond respond) {
  auto password = TakePassword(request.body);
  if (!password) return respond(Problem(password.error()));
  if (password->empty()) return respond(WrongPassword());
  auto checked = [this, account, peer = request.peer,
                  respond = std::move(respond)](const Result<bool>& proven) {
    if (proven && *proven) return GoOn(account, peer, respond);
    Log(proven ? LogLevel::kInfo : LogLevel::kWarning,
        "proof account=" + EscapeForLog(account) +
            (proven ? " verdict=deny reason=wrong_password"
                    : " could not be decided: " + EscapeForLog(proven.error().message)));
    respond(proven ? WrongPassword() : Problem(proven.error()));
  };
  backend_.first_factor.Check(account, std::move(*password), std::move(checked));
}

void Proofs::GoOn(const std::string& account, const Peer& peer, Respond respond) {
  auto remember = [this, account, peer](bool by_code) {
    table_.Add(peer.connection, {account, peer.uid, by_code, {}}, backend_.steady_clock());
  };
  logins_.BeginForOwner(account, peer, std::move(remember), std::move(respond));
}

void Proofs::Answer(const std::string& account, const HttpRequest& request, Respond respond) {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  const auto id = TextField(*object, "login");
  WipeTexts(*object);
  if (!id) return respond(Problem(id.error()));
  if (!*id) return respond(Problem(Invalid("\"login\" is missing")));
  logins_.AnswerForOwner(**id, account, request, std::move(respond));
}

Result<Proofs::Standing> Proofs::FindStanding(const Records& records, const Identity& identity) {
  const LoadedAccount& loaded = records.accounts[0];
  const Account* account = loaded.account ? &*loaded.account : nullptr;
  const auto subject = MakeSubject(records.policy, loaded, std::optional<Identity>(identity));
  if (!subject) return subject.error();
  Standing standing;
  standing.admission = AdmitOwner(account, records.system, *subject);
  standing.words = Say(standing.admission.reason,
                       MakeWords(records.policy, account, records.system, identity.name, true));
  return standing;
}

std::optional<HttpResponse> Proofs::FindRefusal(const Peer& peer, const std::string& account,
                                                const Standing& standing, bool by_code) const {
  const auto& [admission, reason] = standing.admission;
  const bool without_code = admission == Admission::kDecided && reason == Reason::kNotRequired;
  if (admission == Admission::kDecided && !without_code) {
    return Problem({ErrorCode::kNotAllowed, standing.words});
  }
  if (without_code && by_code) return Problem(NotEnrolled(account));
  const auto* proof = table_.Find(peer, account, backend_.steady_clock());
  // While the account is locked no proof counts, nor one by the password alone once it is enrolled.
  const bool locked = admission == Admission::kAskBackupCodes;
  const bool proven = proof && !locked && (without_code || proof->by_code);
  return proven ? std::nullopt : std::optional(ProofNeeded());
}

}  // namespace sparekey
