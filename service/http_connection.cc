// SPDX-License-Identifier: Apache-2.0
// A connection's life: idle, reading, answering, writing, idle …
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "service/http_server_impl.h"
#include "service/logging.h"

namespace sparekey {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kDrainBytes =
    1024 * 1024;  // of a refused request, so that the answer is read

// As sendmsg(2), without waiting.
ssize_t SendSome(int fd, std::string_view head, std::span<const std::uint8_t> body) {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()},
                             iovec{const_cast<std::uint8_t*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

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
    if (std::this_thread::get_id() == server.own_thread) {
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

void HttpServer::Impl::LogFailure(const char* what, const std::exception& exception) {
  try {
    Log(LogLevel::kError, std::string(what) + exception.what());
  } catch (const std::exception&) {
    std::this_thread::sleep_for(milliseconds(1));
  }
}

void HttpServer::Impl::Enter(Connection& connection, ConnectionState state) {
  TableOf(connection.peer.socket).Enter(connection, state, SteadyClock::now());
}

void HttpServer::Impl::Close(Connection& connection) {
  if (connection.closed.exchange(true)) return;
  error_code ignored;
  connection.socket.close(ignored);
  connection.fd = UniqueFd();
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

// Most callers have sent their request before they are let in. False: it is closed.
bool HttpServer::Impl::ReadWhatIsThere(const ConnectionPtr& connection) {
  const std::span<char> room = connection->reader.Prepare();
  const ssize_t got = recv(connection->handle(), room.data(), room.size(), MSG_DONTWAIT);
  if (got > 0) connection->reader.Commit(static_cast<std::size_t>(got));
  const bool is_open = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
  if (!is_open) Close(*connection);
  return is_open;
}

// From here on what happens on it is waited for. False: that cannot be, and it is closed.
bool HttpServer::Impl::Watch(Connection& connection) {
  if (!connection.fd) return true;
  error_code error;
  connection.socket.assign(asio::local::stream_protocol(), connection.fd.get(), error);
  if (error) return Close(connection), false;
  (void)connection.fd.Release();
  return true;
}

void HttpServer::Impl::Read(ConnectionPtr connection) {
  if (!Watch(*connection)) return;
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
  if (held_up_since) request.since = *held_up_since;
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
  const bool is_last = connection->peer.socket == SocketKind::kPam && !response.expects_more;
  connection->close_after = connection->close_after || is_last || stopping;
  connection->response = std::move(response);
  connection->head.clear();
  AppendHead(connection->head, connection->response, connection->close_after,
             connection->is_http_1_0);
  const bool without_body = connection->is_head || !MayHaveBody(connection->response.status);
  const auto all_of_body = std::as_const(connection->response.body).Expose();
  const auto body = all_of_body.first(without_body ? 0 : all_of_body.size());
  const auto& head = connection->head;
  std::array<asio::const_buffer, 2> bytes{asio::buffer(head),
                                          asio::buffer(body.data(), body.size())};
  // Most last answers go at once, and their connection with them.
  if (connection->close_after && !connection->refused) {
    const ssize_t sent = SendSome(connection->handle(), head, body);
    const auto count = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    if (count == asio::buffer_size(bytes) || (sent < 0 && errno != EAGAIN && errno != EINTR)) {
      return Close(*connection);
    }
    const std::size_t of_head = std::min(count, head.size());
    bytes[0] += of_head;
    bytes[1] += count - of_head;
  }
  if (!Watch(*connection)) return;
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

}  // namespace sparekey
