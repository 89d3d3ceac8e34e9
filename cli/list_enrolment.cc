// SPDX-License-Identifier: Apache-2.0
#include "cli/list_enrolment.h"

#include <atomic>
#include <span>
#include <thread>
#include <utility>

#include "cli/codes_output.h"
#include "cli/text.h"
#include "core/new_secret.h"

namespace sparekey {
namespace {

using Milliseconds = std::chrono::milliseconds;

// A directory that hangs holds up a batch for 1 s a name, two at a time.
constexpr Milliseconds kBatchDeadline{180'000};
constexpr Milliseconds kSheetDeadline{60'000};
constexpr Milliseconds kPatience{30'000};  // with a service that is busy, or starts again
constexpr Milliseconds kPause{50};

std::atomic<bool> stopped{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // for signal handlers

struct Sent {
  Answer answer;           // to the last try
  bool some_lost = false;  // a try gave no answer, and may have been carried out
};

// What may be sent again does so while the service is busy or away.
Sent SendPatiently(Api& api, const std::string& target, const SecretJson& body,
                   Milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  Sent sent;
  for (;;) {
    sent.answer = api.Send("POST", target, body, deadline);
    if (sent.answer.ok()) return sent;
    const Failure& failure = *sent.answer.failure;
    sent.some_lost = sent.some_lost || !failure.answered;
    const bool passes = !failure.answered || failure.code == "busy";
    if (!passes || stopped || std::chrono::steady_clock::now() > end) return sent;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

void StopListEnrolment() { stopped = true; }
bool IsListEnrolmentStopped() { return stopped; }

struct ListEnrolment::Item {
  std::size_t line = 0;
  std::string account;
  Authenticator authenticator;
  bool has_file = false;               // with its secret
  bool made_file = false;              // by this run
  SheetFile sheet = SheetFile::kNone;  // before this run
  bool promised = false;               // a sheet, by this run
  bool wants_sheet = false;
  bool in_doubt = false;  // it may be enrolled with the file's secret
};

void ListEnrolment::GiveUp(const Item& item, std::string code, std::string message) {
  if (item.made_file && !item.in_doubt) folder_.RemoveUri(item.account);
  if (item.promised) folder_.RemovePromise(item.account);
  message = Escape(message);
  progress_.Tell("line " + std::to_string(item.line) + ": " + item.account + ": " + message);
  const std::lock_guard lock(mutex_);
  totals_.failed.push_back({item.line, item.account, std::move(code), std::move(message)});
}

// The line's, or that of the account's file, which is written where there is none.
Result<Authenticator> ListEnrolment::PlanSecret(const ListEntry& entry, Item& item) const {
  if (!entry.secret.empty()) return PlanAuthenticator(order_.plan, entry);
  const auto uri = folder_.LoadUri(entry.account);
  if (!uri) return uri.error();
  item.has_file = true;
  if (*uri) {
    auto planned = PlanFromFile(order_.plan, entry, **uri);
    if (planned) return planned;
    return Invalid(folder_.UriPath(entry.account) + " " + planned.error().message);
  }
  auto planned = PlanAuthenticator(order_.plan, entry);
  if (!planned) return planned;
  planned->secret = MakeSecret(planned->algorithm, FillRandom);
  const Status stored =
      folder_.StoreUri(entry.account, FormatOtpauth(*planned, order_.plan.issuer, entry.account));
  if (!stored) return stored.error();
  item.made_file = true;
  return planned;
}

// nullopt: this account has failed.
Result<std::optional<ListEnrolment::Item>> ListEnrolment::Prepare(ListEntry entry) {
  Item item;
  item.line = entry.line;
  item.account = entry.account;
  auto planned = PlanSecret(entry, item);
  Status status = planned ? Ok() : Status(planned.error());
  if (status && order_.with_sheets) {
    const auto sheet = folder_.LookAtSheet(item.account);
    status = sheet ? Ok() : Status(sheet.error());
    if (sheet) item.sheet = *sheet;
    if (status && item.sheet == SheetFile::kNone) {
      status = folder_.PromiseSheet(item.account);
      item.promised = status.ok();
    }
  }
  if (!status && status.error().code != ErrorCode::kInvalid) return status.error();
  if (!status) {
    GiveUp(item, "invalid", status.error().message);
    progress_.Advance(1);
    return std::optional<Item>();
  }
  item.authenticator = std::move(*planned);
  return std::optional(std::move(item));
}

// The next accounts, whose secrets are on the disk.
Result<ListEnrolment::Items> ListEnrolment::TakeChunk() {
  // Sheets are slow: what was begun and not finished stays little.
  const std::size_t most = order_.with_sheets ? kBatch : kChunk;
  Items items;
  while (items.size() < most && !stopped) {
    auto entry = list_.Next();
    if (!entry) return entry.error();
    if (!*entry) break;
    auto item = Prepare(std::move(**entry));
    if (!item) return item.error();
    if (*item) items.push_back(std::move(**item));
  }
  const Status durable = items.empty() ? Ok() : folder_.Sync();
  if (!durable) return durable.error();
  return items;
}

// False: it was the directory, which may fail for all.
bool ListEnrolment::Settle(Item& item, const Json& result) {
  const Json& error = ObjectOf(result, "error");
  if (!error.empty()) {
    std::string code = TextOf(error, "code"), text = TextOf(error, "detail");
    if (code == "conflict" && item.has_file && !item.made_file) {
      text += "; " + folder_.UriPath(item.account) + " is not its authenticator";
    }
    const bool unavailable = code == "unavailable";
    item.in_doubt = item.in_doubt || unavailable;
    GiveUp(item, std::move(code), std::move(text));
    return !unavailable;
  }
  item.in_doubt = false;
  const bool has_sheet = NumberOf(result, "sheet") != 0;
  // Its own, and nobody has promised another one.
  if (has_sheet && item.promised) folder_.RemovePromise(item.account);
  item.wants_sheet = order_.with_sheets && (!has_sheet || item.sheet == SheetFile::kEmpty);
  const std::lock_guard lock(mutex_);
  ++(TextOf(result, "result") == "enrolled" ? totals_.enrolled : totals_.unchanged);
  return true;
}

std::optional<Failure> ListEnrolment::Enrol(Api& api, std::span<Item> items) {
  SecretJson request(Json{{"accounts", Json::array()}});
  for (const Item& item : items) {
    request.Expose()["accounts"].push_back(DescribeListed(item.account, item.authenticator));
  }
  const Sent sent = SendPatiently(api, "/v1/enrolments", request, kBatchDeadline);
  const Answer& answer = sent.answer;
  if (!answer.ok()) return answer.failure;
  const Json& results = ListOf(answer.body.Expose(), "results");
  if (results.size() != items.size()) {
    return FailureOf({ErrorCode::kUnavailable, "the service's answer cannot be understood"});
  }
  bool any = false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].in_doubt = sent.some_lost;
    any = Settle(items[i], results[i]) || any;
    if (!items[i].wants_sheet) progress_.Advance(1);
  }
  if (any) return std::nullopt;
  return FailureOf({ErrorCode::kUnavailable, "the user directory does not answer"});
}

std::optional<Failure> ListEnrolment::MakeSheet(Api& api, const Item& item) {
  const Sent sent = SendPatiently(api, AccountTarget(item.account, "/backup-codes"),
                                  SecretJson(Json::object()), kSheetDeadline);
  const Answer& answer = sent.answer;
  if (!answer.ok() && answer.failure->code == "not_found") {  // removed meanwhile
    GiveUp(item, answer.failure->code, answer.failure->message);
    progress_.Advance(1);
    return std::nullopt;
  }
  if (!answer.ok()) return answer.failure;
  const auto sheet = ExportSheet(answer.body.Expose(), order_.sheets_as_json);
  if (!sheet) return FailureOf(sheet.error());
  const Status stored = folder_.StoreSheet(item.account, *sheet);
  if (!stored) return FailureOf(stored.error());
  progress_.Advance(1);
  const std::lock_guard lock(mutex_);
  ++totals_.sheets;
  return std::nullopt;
}

std::optional<Failure> ListEnrolment::MakeSheets(std::span<Item> items) {
  std::atomic<std::size_t> next{0};
  std::vector<std::optional<Failure>> failures(kSheetsAtOnce);
  const auto work = [&](std::optional<Failure>& failure) {
    Api api(order_.socket);
    while (!failure && !stopped) {
      const std::size_t index = next++;
      if (index >= items.size()) return;
      if (items[index].wants_sheet) failure = MakeSheet(api, items[index]);
    }
  };
  std::vector<std::thread> threads;
  for (auto& failure : failures) threads.emplace_back(work, std::ref(failure));
  for (std::thread& thread : threads) thread.join();
  for (auto& failure : failures) {
    if (failure) return std::move(failure);
  }
  const Status durable = folder_.Sync();  // the names
  return durable ? std::nullopt : std::optional(FailureOf(durable.error()));
}

std::optional<Failure> ListEnrolment::Deliver(Items items) {
  Api api(order_.socket);
  std::span<Item> rest(items);
  while (!rest.empty() && !stopped) {
    std::size_t count = 0, bytes = 0;
    while (count < std::min(kBatch, rest.size()) && bytes < kBatchBytes) {
      bytes += 300 + rest[count].account.size() + rest[count].authenticator.label.size();
      ++count;
    }
    if (auto failure = Enrol(api, rest.first(count))) return failure;
    rest = rest.subspan(count);
  }
  return order_.with_sheets && !stopped ? MakeSheets(items) : std::nullopt;
}

// While one chunk is with the service, the next one's secrets are written.
std::optional<Failure> ListEnrolment::Run() {
  std::future<std::optional<Failure>> under_way;
  for (;;) {
    auto items = TakeChunk();
    if (under_way.valid()) {
      if (auto failure = under_way.get()) return failure;
    }
    if (!items) return FailureOf(items.error());
    if (items->empty() || stopped) return std::nullopt;
    under_way = std::async(std::launch::async, &ListEnrolment::Deliver, this, std::move(*items));
  }
}

}  // namespace sparekey
