// SPDX-License-Identifier: Apache-2.0
#include "service/http_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <list>
#include <thread>
#include <utility>

#include "core/unique_fd.h"
#include "service/connection_table.h"
#include "service/http_head.h"
#include "service/http_reader.h"
#include "service/logging.h"

namespace sparekey {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using UnixSocket = asio::local::stream_protocol::socket;

constexpr int kAcceptsInARow = 64;
constexpr milliseconds kAcceptPause{50};
constexpr std::size_t kDrainBytes =
    1024 * 1024;  // of a refused request, so that the answer is read
constexpr milliseconds kDrainTime{2000};
// An answer that was lost for lack of memory; the longest that is waited for takes 25 s.
constexpr milliseconds kAnswerTime{300'000};

bool IsOutOfResources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Where even the words fail for lack of memory, it takes a moment until there may be some.
void LogFailure(const char* what, const std::exception& exception) {
  try {
    Log(LogLevel::kError, std::string(what) + exception.what());
  } catch (const std::exception&) {
    std::this_thread::sleep_for(milliseconds(1));
  }
}

}  // namespace

struct HttpServer::Impl {
  struct Connection;
  using ConnectionPtr = std::shared_ptr<Connection>;
  using Table = ConnectionTable<Connection>;

  struct Listener {
    Listener(asio::io_context& context, int fd, SocketKind socket_kind)
        : acceptor(context, asio::local::stream_protocol(), fd),
          pause(context),
          kind(socket_kind) {}
    asio::local::stream_protocol::acceptor acceptor;
    asio::steady_timer pause;
    SocketKind kind;
    bool armed = false;  // waits for connections, or pauses
  };

  struct Signals {
    Signals(asio::io_context& context, std::function<void(int)> call)
        : set(context), handler(std::move(call)) {}
    void Wait() {
      set.async_wait([this](error_code error, int signal) {
        armed = false;
        if (error) return;
        handler(signal);
        Wait();
      });
      armed = true;
    }
    asio::signal_set set;
    std::function<void(int)> handler;
    bool armed = false;
  };

  // One request's right to an answer: used once, or 500 when it is dropped.
  class Pending;

  Impl(HttpLimits http_limits, Handle handler)
      : limits(http_limits),
        handle(std::move(handler)),
        sweep_timer(context),
        grace_timer(context) {
    const HttpResponse busy = Problem(503, "Busy", "Too many connections");
    AppendHead(full, busy, true, false);
    full += busy.body.ExposeText();
  }
  ~Impl() { CloseAll(kAllStates); }

  void Accept(Listener& listener);
  void AcceptWaiting(Listener& listener);
  void Pause(Listener& listener);
  void Admit(int fd, SocketKind kind);
  bool HasRoomFor(const Peer& peer);
  bool MakeRoom(Table& table);

  void Enter(Connection& connection, ConnectionState state);
  void Close(Connection& connection);
  void CloseAll(std::initializer_list<ConnectionState> states);
  void Read(ConnectionPtr connection);
  void Process(ConnectionPtr connection);
  void Dispatch(const ConnectionPtr& connection);
  void Answer(ConnectionPtr connection, HttpResponse response);
  void Refuse(ConnectionPtr connection, HttpResponse response);
  void Drain(ConnectionPtr connection);

  void Sweep();
  void GiveUpReading(const ConnectionPtr& connection);
  void ArmSweep();
  void ArmAll();
  SteadyClock::duration TimeIn(ConnectionState state) const;
  void BeginStop(milliseconds grace);
  void FinishStopWhenQuiet();

  Table& TableOf(SocketKind kind) { return tables[static_cast<std::size_t>(kind)]; }

  HttpLimits limits;
  Handle handle;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::steady_timer sweep_timer, grace_timer;
  bool sweep_armed = false;
  bool stopping = false;
  std::list<Listener> listeners;
  std::list<Signals> signals;
  std::array<Table, 2> tables;  // by SocketKind
  std::uint64_t last_connection = 0;
  std::string full;  // the answer where there is no room
  std::array<char, 16 * 1024> trash;
};

struct HttpServer::Impl::Connection {
  Connection(Impl& impl, UnixSocket&& accepted, const Peer& who)
      : server(impl),
        socket(std::move(accepted)),
        peer(who),
        uid(who.uid),
        reader(impl.limits.header_bytes, impl.limits.body_bytes) {}

  Impl& server;
  UnixSocket socket;
  Peer peer;
  uid_t uid;
  HttpReader reader;
  HttpResponse response;
  std::string head;
  bool is_head = false;
  bool is_http_1_0 = false;
  bool close_after = false;
  bool refused = false;
  std::atomic<bool> closed = false;  // read by other threads too
  std::size_t drained = 0;
  Table::Place place;
};

class HttpServer::Impl::Pending {
 public:
  explicit Pending(const ConnectionPtr& connection) : connection_(connection) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() {
    if (connection_.expired()) return;
    try {
      Use(Problem(500, "Internal error", "The request was not answered"));
    } catch (const std::exception&) {  // no memory: the client's own deadline is left
    }
  }

  // From another thread the answer is carried over.
  void Use(HttpResponse response) {
    const ConnectionPtr connection = std::exchange(connection_, {}).lock();
    if (!connection || connection->closed) return;
    Impl& server = connection->server;
    if (server.context.get_executor().running_in_this_thread()) {
      server.Answer(connection, std::move(response));
    } else {
      asio::post(server.context, [connection, answer = std::move(response)]() mutable {
        connection->server.Answer(connection, std::move(answer));
      });
    }
  }

 private:
  std::weak_ptr<Connection> connection_;
};

// --- connections come

void HttpServer::Impl::Accept(Listener& listener) {
  listener.acceptor.async_wait(UnixSocket::wait_read, [this, &listener](error_code error) {
    listener.armed = false;
    if (stopping || error == asio::error::operation_aborted) return;
    AcceptWaiting(listener);
  });
  listener.armed = true;
}

void HttpServer::Impl::AcceptWaiting(Listener& listener) {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    const int fd =
        accept4(listener.acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      Admit(fd, listener.kind);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      if (IsOutOfResources(errno) && !MakeRoom(TableOf(SocketKind::kApi))) {
        MakeRoom(TableOf(listener.kind));
      }
      return Pause(listener);
    }
  }
  Accept(listener);
}

void HttpServer::Impl::Pause(Listener& listener) {
  listener.pause.expires_after(kAcceptPause);
  listener.pause.async_wait([this, &listener](error_code error) {
    listener.armed = false;
    if (!error && !stopping) Accept(listener);
  });
  listener.armed = true;
}

void HttpServer::Impl::Admit(int fd, SocketKind kind) {
  error_code error;
  UniqueFd accepted(fd);  // until it is the socket's
  UnixSocket socket(context);
  socket.assign(asio::local::stream_protocol(), fd, error);
  if (error) return;
  (void)accepted.Release();
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return;
  socket.non_blocking(true, error);
  const Peer peer{kind, credentials.uid, credentials.gid, credentials.pid, ++last_connection};
  if (!HasRoomFor(peer)) {
    socket.write_some(asio::buffer(full), error);
    return;
  }
  auto connection = std::make_shared<Connection>(*this, std::move(socket), peer);
  TableOf(kind).Add(connection, SteadyClock::now());
  ArmSweep();
  Read(std::move(connection));
}

// Makes room where it can: at the cost of the same user's connections where he has his share.
bool HttpServer::Impl::HasRoomFor(const Peer& peer) {
  Table& table = TableOf(peer.socket);
  const bool is_capped = peer.socket == SocketKind::kApi && peer.uid != 0;
  if (is_capped && table.CountOf(peer.uid) >= limits.connections_per_uid) {
    const ConnectionPtr own = table.FindDispensable(peer.uid);
    if (!own) return false;
    Close(*own);
  }
  return table.size() < limits.connections || MakeRoom(table);
}

bool HttpServer::Impl::MakeRoom(Table& table) {
  const ConnectionPtr dispensable = table.FindDispensable();
  if (dispensable) Close(*dispensable);
  return dispensable != nullptr;
}

// --- a connection's life: idle, reading, answering, writing, idle …

void HttpServer::Impl::Enter(Connection& connection, ConnectionState state) {
  TableOf(connection.peer.socket).Enter(connection, state, SteadyClock::now());
}

void HttpServer::Impl::Close(Connection& connection) {
  if (connection.closed.exchange(true)) return;
  error_code ignored;
  connection.socket.close(ignored);
  TableOf(connection.peer.socket).Remove(connection);
  FinishStopWhenQuiet();
}

void HttpServer::Impl::CloseAll(std::initializer_list<ConnectionState> states) {
  for (Table& table : tables) {
    for (const ConnectionState state : states) {
      while (const ConnectionPtr connection = table.OldestIn(state)) Close(*connection);
    }
  }
}

void HttpServer::Impl::Read(ConnectionPtr connection) {
  const std::span<char> room = connection->reader.Prepare();
  UnixSocket& socket = connection->socket;
  socket.async_read_some(
      asio::buffer(room.data(), room.size()),
      [this, connection = std::move(connection)](error_code error, std::size_t bytes) mutable {
        if (connection->closed || connection->refused) return;
        if (error) return Close(*connection);
        connection->reader.Commit(bytes);
        Process(std::move(connection));
      });
}

void HttpServer::Impl::Process(ConnectionPtr connection) {
  switch (connection->reader.Parse()) {
    case HttpReader::State::kRequest:
      return Dispatch(connection);
    case HttpReader::State::kNeedMore:
      Enter(*connection,
            connection->reader.HasBytes() ? ConnectionState::kReading : ConnectionState::kIdle);
      return Read(std::move(connection));
    case HttpReader::State::kRefused:
      break;
  }
  const HttpReader::Refusal& refusal = connection->reader.refusal();
  Log(connection->peer.uid == 0 ? LogLevel::kInfo : LogLevel::kDebug,
      "refused uid=" + std::to_string(connection->peer.uid) + ": " + refusal.detail);
  Refuse(std::move(connection),
         Problem(refusal.status, ReasonPhrase(refusal.status), refusal.detail));
}

void HttpServer::Impl::Dispatch(const ConnectionPtr& connection) {
  HttpReader::Request parsed = connection->reader.Take();
  connection->is_head = parsed.is_head;
  connection->is_http_1_0 = parsed.is_http_1_0;
  connection->close_after = !parsed.keep_alive;
  Enter(*connection, ConnectionState::kAnswering);
  HttpRequest request{std::move(parsed.method), std::move(parsed.path), std::move(parsed.query),
                      std::move(parsed.body), connection->peer};
  auto pending = std::make_shared<Pending>(connection);
  try {
    handle(std::move(request),
           [pending](HttpResponse response) { pending->Use(std::move(response)); });
  } catch (const std::exception& exception) {
    LogFailure("a request's handler failed: ", exception);
  }
}

void HttpServer::Impl::Answer(ConnectionPtr connection, HttpResponse response) {
  if (connection->closed || connection->place.state == ConnectionState::kWriting) return;
  Enter(*connection, ConnectionState::kWriting);
  connection->close_after = connection->close_after || stopping;
  connection->response = std::move(response);
  connection->head.clear();
  AppendHead(connection->head, connection->response, connection->close_after,
             connection->is_http_1_0);
  const bool without_body = connection->is_head || !MayHaveBody(connection->response.status);
  const auto body = std::as_const(connection->response.body).Expose();
  const std::array<asio::const_buffer, 2> bytes{
      asio::buffer(connection->head), asio::buffer(body.data(), without_body ? 0 : body.size())};
  UnixSocket& socket = connection->socket;
  asio::async_write(
      socket, bytes,
      [this, connection = std::move(connection)](error_code error, std::size_t) mutable {
        connection->response = {};
        if (connection->closed) return;
        if (error) return Close(*connection);
        if (connection->refused) return Drain(std::move(connection));
        if (connection->close_after || stopping) return Close(*connection);
        Process(std::move(connection));
      });
}

void HttpServer::Impl::Refuse(ConnectionPtr connection, HttpResponse response) {
  connection->close_after = true;
  connection->refused = true;
  connection->is_head = false;
  Answer(std::move(connection), std::move(response));
}

// Closing with bytes unread would break the pipe under a client that is still sending, before it
// has read why.
void HttpServer::Impl::Drain(ConnectionPtr connection) {
  if (connection->place.state != ConnectionState::kDraining) {
    error_code ignored;
    connection->socket.shutdown(UnixSocket::shutdown_send, ignored);
    Enter(*connection, ConnectionState::kDraining);
  }
  UnixSocket& socket = connection->socket;
  socket.async_read_some(asio::buffer(trash), [this, connection = std::move(connection)](
                                                  error_code error, std::size_t bytes) mutable {
    Wipe(std::span<char>(trash.data(), bytes));
    if (connection->closed) return;
    connection->drained += bytes;
    if (error || connection->drained > kDrainBytes) return Close(*connection);
    Drain(std::move(connection));
  });
}

// --- time

SteadyClock::duration HttpServer::Impl::TimeIn(ConnectionState state) const {
  if (state == ConnectionState::kIdle) return limits.idle_time;
  if (state == ConnectionState::kAnswering) return kAnswerTime;
  return state == ConnectionState::kDraining ? kDrainTime : limits.request_time;
}

void HttpServer::Impl::ArmSweep() {
  if (sweep_armed) return;
  const milliseconds shortest = std::min(limits.idle_time, limits.request_time);
  sweep_timer.expires_after(std::clamp(shortest / 8, milliseconds(5), milliseconds(500)));
  sweep_timer.async_wait([this](error_code error) {
    sweep_armed = false;
    if (!error) Sweep();
  });
  sweep_armed = true;
}

// What a lack of memory has kept from being waited for.
void HttpServer::Impl::ArmAll() {
  for (Signals& entry : signals) {
    if (!entry.armed) entry.Wait();
  }
  if (stopping) return;
  for (Listener& listener : listeners) {
    if (!listener.armed) Accept(listener);
  }
  ArmSweep();
}

void HttpServer::Impl::Sweep() {
  const auto now = SteadyClock::now();
  std::size_t left = 0;
  for (Table& table : tables) {
    for (const ConnectionState state : kAllStates) {
      for (ConnectionPtr oldest = table.OldestIn(state);
           oldest && now - oldest->place.since >= TimeIn(state); oldest = table.OldestIn(state)) {
        if (state == ConnectionState::kReading) {
          GiveUpReading(oldest);
        } else {
          Close(*oldest);
        }
      }
    }
    left += table.size();
  }
  if (left != 0) ArmSweep();
}

void HttpServer::Impl::GiveUpReading(const ConnectionPtr& connection) {
  error_code ignored;
  connection->socket.cancel(ignored);  // its read ends without effect
  Refuse(connection, Problem(408, "Request Timeout", "The request came too slowly"));
}

// --- the end

void HttpServer::Impl::BeginStop(milliseconds grace) {
  if (std::exchange(stopping, true)) return;
  error_code ignored;
  for (Listener& listener : listeners) {
    listener.acceptor.close(ignored);
    listener.pause.cancel();
  }
  CloseAll({ConnectionState::kIdle, ConnectionState::kReading, ConnectionState::kDraining});
  grace_timer.expires_after(grace);
  grace_timer.async_wait([this](error_code error) {
    if (!error) context.stop();
  });
  FinishStopWhenQuiet();
}

void HttpServer::Impl::FinishStopWhenQuiet() {
  if (!stopping) return;
  for (const Table& table : tables) {
    if (table.size() != 0) return;
  }
  context.stop();
}

HttpServer::HttpServer(HttpLimits limits, Handle handle)
    : impl_(std::make_unique<Impl>(limits, std::move(handle))) {}
HttpServer::~HttpServer() = default;

void HttpServer::Listen(int fd, SocketKind kind) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  impl_->Accept(impl_->listeners.emplace_back(impl_->context, fd, kind));
}

void HttpServer::Run() {
  for (;;) {
    try {
      impl_->ArmAll();
      impl_->context.run();
      return;
    } catch (const std::exception& exception) {
      // A task of Post, After or OnSignals, or no memory; the loop goes on with the next one.
      LogFailure("a task failed: ", exception);
    }
  }
}

void HttpServer::Stop(milliseconds grace) {
  asio::post(impl_->context, [this, grace] { impl_->BeginStop(grace); });
}

void HttpServer::Post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }

void HttpServer::After(milliseconds delay, std::function<void()> task) {
  auto timer = std::make_shared<asio::steady_timer>(impl_->context, delay);
  timer->async_wait([timer, task = std::move(task)](error_code error) {
    if (!error) task();
  });
}

void HttpServer::OnSignals(std::initializer_list<int> signals,
                           std::function<void(int signal)> handler) {
  Impl::Signals& entry = impl_->signals.emplace_back(impl_->context, std::move(handler));
  for (const int signal : signals) entry.set.add(signal);
  entry.Wait();
}

}  // namespace sparekey
