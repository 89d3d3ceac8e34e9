// SPDX-License-Identifier: Apache-2.0
#include "core/secret.h"

#include <string.h>  // explicit_bzero

#include <cstring>
#include <utility>

namespace sparekey {

SecretBytes::SecretBytes(std::size_t size)
    : data_(size == 0 ? nullptr : new std::uint8_t[size]()), size_(size) {}

SecretBytes::SecretBytes(std::span<const std::uint8_t> bytes) : SecretBytes(bytes.size()) {
  if (size_ != 0) std::memcpy(data_, bytes.data(), size_);
}

SecretBytes::SecretBytes(std::string_view text) : SecretBytes(text.size()) {
  if (size_ != 0) std::memcpy(data_, text.data(), size_);
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SecretBytes::~SecretBytes() {
  Wipe(Expose());
  delete[] data_;
}

SecretBytes SecretBytes::Clone() const { return SecretBytes(Expose()); }

bool ConstantTimeEqual(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  auto bytes = [](std::string_view text) {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  return ConstantTimeEqual(bytes(a), bytes(b));
}

void Wipe(std::span<std::uint8_t> bytes) {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

void Wipe(std::span<char> text) {
  if (!text.empty()) explicit_bzero(text.data(), text.size());
}

}  // namespace sparekey
