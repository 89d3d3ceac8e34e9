// SPDX-License-Identifier: Apache-2.0
#include "service/logging.h"

#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace sparekey {
namespace {

constexpr std::size_t kWaitingMessages = 4096;
constexpr std::size_t kMessageBytes = 4096;
constexpr std::chrono::milliseconds kRest{10};
constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLevels{{
    {"trace", LogLevel::kTrace},
    {"debug", LogLevel::kDebug},
    {"info", LogLevel::kInfo},
    {"warn", LogLevel::kWarning},
    {"error", LogLevel::kError},
}};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

// The one thing that every part of a process shares.
class SharedLog {
 public:
  void Replace(std::shared_ptr<spdlog::logger> logger) {
    const std::lock_guard lock(mutex_);
    logger_ = std::move(logger);
  }
  std::shared_ptr<spdlog::logger> Get() {
    const std::lock_guard lock(mutex_);
    return logger_;
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<spdlog::logger> logger_;
};

SharedLog& ProcessLog() {
  static SharedLog log;
  return log;
}

// systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream that it opened.
bool IsJournalOrNobody(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return true;
  if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) return true;  // /dev/null
  const char* stream = std::getenv("JOURNAL_STREAM");
  return stream != nullptr &&
         stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

// Lines for standard error, written together when it is flushed.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  ~StandardError() override { flush_(); }

 private:
  static constexpr std::size_t kMostBytes = 64 * 1024;

  void sink_it_(const spdlog::details::log_msg& message) override {
    formatter_->format(message, lines_);
    if (lines_.size() > kMostBytes) flush_();
  }
  void flush_() override {
    for (std::size_t done = 0; done < lines_.size();) {
      const ssize_t written = write(STDERR_FILENO, lines_.data() + done, lines_.size() - done);
      if (written < 0 && errno != EINTR) break;  // there is nobody to tell
      done += static_cast<std::size_t>(std::max<ssize_t>(written, 0));
    }
    lines_.clear();
  }

  spdlog::memory_buf_t lines_;
};

// Hands on to another sink, on the pool's one thread. After what waited it rests, so that a busy
// process gathers its lines and wakes that thread 100 times a second at most. The pool joins its
// thread before it ends, and must not be asked of spdlog, whose lock is held meanwhile.
class GatheringSink final : public spdlog::sinks::sink {
 public:
  GatheringSink(spdlog::sink_ptr inner, spdlog::details::thread_pool& pool)
      : inner_(std::move(inner)), pool_(pool) {}
  void log(const spdlog::details::log_msg& message) override {
    inner_->log(message);
    if (pool_.queue_size() != 0) return;
    inner_->flush();
    std::this_thread::sleep_for(kRest);
  }
  void flush() override { inner_->flush(); }
  void set_pattern(const std::string& pattern) override { inner_->set_pattern(pattern); }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    inner_->set_formatter(std::move(formatter));
  }

 private:
  const spdlog::sink_ptr inner_;
  spdlog::details::thread_pool& pool_;
};

struct Decoded {
  char32_t code_point = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
Decoded DecodeUtf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
  char32_t code_point = first & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (byte(i) & 0x3fU);
  }
  static constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (code_point < kLeast[bytes] || code_point > 0x10ffff) return {};
  if (code_point >= 0xd800 && code_point <= 0xdfff) return {};
  return {code_point, bytes};
}

// Controls (C0, DEL, C1), zero-width and direction marks, line and paragraph separators, tags.
bool IsHidden(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe0fff);
}

void AppendHex(std::string& out, std::string_view prefix, char32_t value, int digits) {
  out += prefix;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[value >> shift & 0xf];
  }
}

void AppendEscaped(std::string& out, std::string_view bytes, Decoded decoded) {
  if (decoded.bytes == 0) return AppendHex(out, "\\x", static_cast<unsigned char>(bytes[0]), 2);
  switch (decoded.code_point) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      break;
  }
  if (!IsHidden(decoded.code_point)) {
    out += bytes.substr(0, decoded.bytes);
  } else if (decoded.code_point < 0x80) {
    AppendHex(out, "\\x", decoded.code_point, 2);
  } else if (decoded.code_point <= 0xffff) {
    AppendHex(out, "\\u", decoded.code_point, 4);
  } else {
    AppendHex(out, "\\U", decoded.code_point, 8);
  }
}

// Printable ASCII, but for the character that begins an escape: most of what is logged.
bool IsPlain(char c) { return c >= ' ' && c <= '~' && c != '\\'; }

}  // namespace

std::string EscapeForLog(std::string_view text, std::size_t limit) {
  if (text.size() <= limit && std::ranges::all_of(text, IsPlain)) return std::string(text);
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    const Decoded decoded = DecodeUtf8(text.substr(i));
    const std::size_t before = out.size();
    AppendEscaped(out, text.substr(i), decoded);
    if (out.size() > limit) {
      out.resize(before);
      return out + "… (" + std::to_string(text.size()) + " bytes)";
    }
    i += decoded.bytes == 0 ? 1 : decoded.bytes;
  }
  return out;
}

std::string LogField(std::string_view text) {
  if (text.empty()) return "-";
  std::string escaped = EscapeForLog(text);
  if (escaped.find(' ') == std::string::npos) return escaped;
  std::string field;
  for (const char c : escaped) {
    if (c == ' ') {
      field += "\\x20";
    } else {
      field += c;
    }
  }
  return field;
}

Result<LogLevel> ParseLogLevel(std::string_view name) {
  for (const auto& [text, level] : kLevels) {
    if (name == text) return level;
  }
  return Invalid("possible values: trace, debug, info, warn, error");
}

LogTarget ChooseLogTarget() {
  const bool syslog =
      geteuid() == 0 && isatty(STDERR_FILENO) == 0 && IsJournalOrNobody(STDERR_FILENO);
  return syslog ? LogTarget::kSyslog : LogTarget::kStandardError;
}

void SetUpLog(const std::string& program, LogTarget target, LogLevel level) {
  spdlog::sink_ptr sink;
  if (target == LogTarget::kSyslog) {
    sink = std::make_shared<spdlog::sinks::syslog_sink_mt>(program, LOG_PID, LOG_AUTH, true);
    sink->set_pattern("%v");
  } else {
    sink = std::make_shared<StandardError>();
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l: %v");
  }
  spdlog::init_thread_pool(kWaitingMessages, 1);
  const auto pool = spdlog::thread_pool();
  auto logger = std::make_shared<spdlog::async_logger>(
      program, std::make_shared<GatheringSink>(std::move(sink), *pool), pool,
      spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(ToSpdlog(level));
  ProcessLog().Replace(std::move(logger));
}

void FlushLog() {
  ProcessLog().Replace(nullptr);
  spdlog::shutdown();  // its thread writes what waits and ends
}

void Log(LogLevel level, std::string_view message) {
  const auto logger = ProcessLog().Get();
  if (logger && !logger->should_log(ToSpdlog(level))) return;
  const std::string line = EscapeForLog(message, kMessageBytes);
  if (logger) {
    logger->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
  } else {
    static_cast<void>(std::fprintf(stderr, "%s\n", line.c_str()));
  }
}

}  // namespace sparekey
