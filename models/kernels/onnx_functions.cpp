// Functions of one element: roots, exponentials, angles, rounding, and the activation functions of
// networks. Each is computed in the element's own type.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace joulesim::models::onnx {
namespace {

template <class F>
void each(Call& call) {
  const Array& a = call.in(0);
  by_float(a.type(), [&]<class T>(Tag<T>) {
    call.set(0, map<T, T>(a, a.type(), [](T x) { return F::template apply<T>(x); }));
  });
}

#define JOULESIM_FUNCTION(Name, expression) \
  struct Name {                             \
    template <class T>                      \
    static T apply(T x) {                   \
      return expression;                    \
    }                                       \
  }

JOULESIM_FUNCTION(Acos, std::acos(x));
JOULESIM_FUNCTION(Acosh, std::acosh(x));
JOULESIM_FUNCTION(Asin, std::asin(x));
JOULESIM_FUNCTION(Asinh, std::asinh(x));
JOULESIM_FUNCTION(Atan, std::atan(x));
JOULESIM_FUNCTION(Atanh, std::atanh(x));
JOULESIM_FUNCTION(Cos, std::cos(x));
JOULESIM_FUNCTION(Cosh, std::cosh(x));
JOULESIM_FUNCTION(Sin, std::sin(x));
JOULESIM_FUNCTION(Sinh, std::sinh(x));
JOULESIM_FUNCTION(Tan, std::tan(x));
JOULESIM_FUNCTION(Tanh, std::tanh(x));
JOULESIM_FUNCTION(Exp, std::exp(x));
JOULESIM_FUNCTION(Log, std::log(x));
JOULESIM_FUNCTION(Sqrt, std::sqrt(x));
JOULESIM_FUNCTION(Reciprocal, 1 / x);
JOULESIM_FUNCTION(Erf, std::erf(x));
JOULESIM_FUNCTION(Ceil, std::ceil(x));
JOULESIM_FUNCTION(Floor, std::floor(x));
JOULESIM_FUNCTION(Round, std::nearbyint(x));  // ties to even
JOULESIM_FUNCTION(Sigmoid, 1 / (1 + std::exp(-x)));
JOULESIM_FUNCTION(Softplus, std::log1p(std::exp(-std::fabs(x))) + std::fmax(x, T(0)));
JOULESIM_FUNCTION(Softsign, x / (1 + std::fabs(x)));
JOULESIM_FUNCTION(HardSwish, x* std::fmin(std::fmax(x / 6 + T(0.5), T(0)), T(1)));
JOULESIM_FUNCTION(Mish, x* std::tanh(Softplus::apply<T>(x)));

#undef JOULESIM_FUNCTION

constexpr KernelRow kRows[] = {
    {"", "Acos", 7, kNewestOpset, each<Acos>, Narrow::kWiden},
    {"", "Acosh", 9, kNewestOpset, each<Acosh>, Narrow::kWiden},
    {"", "Asin", 7, kNewestOpset, each<Asin>, Narrow::kWiden},
    {"", "Asinh", 9, kNewestOpset, each<Asinh>, Narrow::kWiden},
    {"", "Atan", 7, kNewestOpset, each<Atan>, Narrow::kWiden},
    {"", "Atanh", 9, kNewestOpset, each<Atanh>, Narrow::kWiden},
    {"", "Cos", 7, kNewestOpset, each<Cos>, Narrow::kWiden},
    {"", "Cosh", 9, kNewestOpset, each<Cosh>, Narrow::kWiden},
    {"", "Sin", 7, kNewestOpset, each<Sin>, Narrow::kWiden},
    {"", "Sinh", 9, kNewestOpset, each<Sinh>, Narrow::kWiden},
    {"", "Tan", 7, kNewestOpset, each<Tan>, Narrow::kWiden},
    {"", "Tanh", 1, kNewestOpset, each<Tanh>, Narrow::kWiden},
    {"", "Exp", 1, kNewestOpset, each<Exp>, Narrow::kWiden},
    {"", "Log", 1, kNewestOpset, each<Log>, Narrow::kWiden},
    {"", "Sqrt", 1, kNewestOpset, each<Sqrt>, Narrow::kWiden},
    {"", "Reciprocal", 1, kNewestOpset, each<Reciprocal>, Narrow::kWiden},
    {"", "Erf", 9, kNewestOpset, each<Erf>, Narrow::kWiden},
    {"", "Ceil", 1, kNewestOpset, each<Ceil>, Narrow::kWiden},
    {"", "Floor", 1, kNewestOpset, each<Floor>, Narrow::kWiden},
    {"", "Round", 11, kNewestOpset, each<Round>, Narrow::kWiden},
    {"", "Sigmoid", 1, kNewestOpset, each<Sigmoid>, Narrow::kWiden},
    {"", "Softplus", 1, kNewestOpset, each<Softplus>, Narrow::kWiden},
    {"", "Softsign", 1, kNewestOpset, each<Softsign>, Narrow::kWiden},
    {"", "HardSwish", 14, kNewestOpset, each<HardSwish>, Narrow::kWiden},
    {"", "Mish", 18, kNewestOpset, each<Mish>, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> function_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
