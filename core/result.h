// SPDX-License-Identifier: Apache-2.0
// Errors as values. An error means "could not decide" and always denies; a wrong code is a
// verdict, never an error.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace sparekey {

enum class ErrorCode {
  kInvalid,      // the caller's input; the message names the input and the limit
  kNotFound,     // no such account, authenticator, login, setting
  kConflict,     // the state forbids it (already enrolled, raced by another change)
  kNotAllowed,   // needs root, a fresh login or the local console
  kUnavailable,  // service, store, directory or disk cannot be reached or used
  kDamaged,      // a record, key or database that does not verify
  kBusy,         // try again: a bounded queue is full or a deadline passed
  kClock,        // the system clock is unusable
};

struct Error {
  ErrorCode code;
  std::string message;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }
  T& operator*() & { return std::get<T>(state_); }
  const T& operator*() const& { return std::get<T>(state_); }
  T&& operator*() && { return std::get<T>(std::move(state_)); }
  T* operator->() { return &std::get<T>(state_); }
  const T* operator->() const { return &std::get<T>(state_); }
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};
using Status = Result<Done>;
inline Status Ok() { return Done{}; }

inline Error Invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }

}  // namespace sparekey
