#include "models/transform/rounding.hpp"
#include "sim/base/diagnostics.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace joulesim::models {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;

std::size_t size(Index n) { return static_cast<std::size_t>(n); }

// Columns by falling input power, or as they stand.
std::vector<Index> order_of(const InputStatistics& inputs, bool act_order) {
  std::vector<Index> order(size(inputs.columns));
  std::iota(order.begin(), order.end(), 0);
  if (act_order) {
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
      const Index stride = inputs.columns + 1;
      return inputs.products[size(a * stride)] > inputs.products[size(b * stride)];
    });
  }
  return order;
}

// The upper Cholesky factor of the inverse of the damped input products, in `order`; and the
// columns that never saw an input.
struct Factor {
  MatrixXd upper;
  std::vector<bool> dead;
};

Factor factor_of(const InputStatistics& inputs, const std::vector<Index>& order, double damping) {
  const auto n = static_cast<Index>(order.size());
  const Eigen::Map<const MatrixXd> products(inputs.products.data(), n, n);
  Factor factor;
  MatrixXd hessian(n, n);
  double mean = 0.0;
  for (Index i = 0; i < n; ++i) {
    factor.dead.push_back(!(products(order[size(i)], order[size(i)]) > 0.0));
    mean += products(order[size(i)], order[size(i)]) / static_cast<double>(n);
    for (Index k = 0; k < n; ++k) {
      hessian(i, k) = products(order[size(i)], order[size(k)]);
    }
  }
  mean = mean > 0.0 ? mean : 1.0;
  // Inputs that span too little make the factor fail; more damping always helps in the end.
  constexpr double kMost = 1e6;
  for (double share = damping; share < kMost; share = std::max(2.0 * share, 1e-6)) {
    MatrixXd damped = hessian;
    damped.diagonal().array() += share * mean;
    for (Index i = 0; i < n; ++i) {
      if (factor.dead[size(i)]) {
        damped(i, i) = mean;
      }
    }
    const Eigen::LLT<MatrixXd> first(damped);
    if (first.info() != Eigen::Success) {
      continue;
    }
    const Eigen::LLT<MatrixXd> second(first.solve(MatrixXd::Identity(n, n)));
    if (second.info() == Eigen::Success) {
      factor.upper = second.matrixU();
      return factor;
    }
  }
  throw InputError("found inputs of a layer that are not finite; expected a model that runs");
}

class Gptq {
 public:
  Gptq(const IntegerFormat& format, Shape shape, std::span<const float> weights,
       const InputStatistics& inputs, const RoundingOptions& options)
      : format_(format),
        options_(options),
        rows_(shape.rows),
        columns_(shape.columns),
        group_(format.group > 0 ? format.group : shape.columns),
        groups_((columns_ + group_ - 1) / group_),
        order_(order_of(inputs, options.act_order)),
        factor_(factor_of(inputs, order_, options.damping)),
        left_(rows_, columns_) {
    rounded_ = {shape, std::vector<int>(weights.size()),
                std::vector<GroupScale>(size(rows_ * groups_))};
    for (Index r = 0; r < rows_; ++r) {
      for (Index i = 0; i < columns_; ++i) {
        left_(r, i) = weights[size(r * columns_ + order_[size(i)])];
      }
    }
    if (options.act_order) {
      fix_scales(weights);
    }
  }

  RoundedMatrix run() {
    // Corrections of a block of columns reach the columns behind it in one product. A block holds
    // whole groups, so that every group's scale sees weights that are corrected already.
    constexpr Index kBlock = 128;
    const Index block = options_.act_order || format_.group == 0
                            ? kBlock
                            : group_ * std::max<Index>(1, kBlock / group_);
    for (Index begin = 0; begin < columns_; begin += block) {
      const Index end = std::min(begin + block, columns_);
      MatrixXd errors(rows_, end - begin);
      for (Index i = begin; i < end; ++i) {
        if (!options_.act_order && i % group_ == 0) {
          set_scales(i);
        }
        round_column(i, errors, begin);
        const Index rest = end - i - 1;
        left_.middleCols(i + 1, rest).noalias() -=
            errors.col(i - begin) * factor_.upper.row(i).segment(i + 1, rest);
      }
      const Index rest = columns_ - end;
      left_.rightCols(rest).noalias() -=
          errors * factor_.upper.block(begin, end, end - begin, rest);
    }
    return std::move(rounded_);
  }

 private:
  GroupScale& scale(Index row, Index group) { return rounded_.scales[size(row * groups_ + group)]; }

  // Scales of all groups from the weights as they were: with act_order the columns of a group are
  // rounded at different times.
  void fix_scales(std::span<const float> weights) {
    for (Index r = 0; r < rows_; ++r) {
      for (Index g = 0; g < groups_; ++g) {
        const Index length = std::min(group_, columns_ - g * group_);
        scale(r, g) = best_scale(
            format_, weights.subspan(size(r * columns_ + g * group_), size(length)), options_.clip);
      }
    }
  }

  void set_scales(Index begin) {
    const Index length = std::min(group_, columns_ - begin);
    std::vector<float> part(size(length));
    for (Index r = 0; r < rows_; ++r) {
      for (Index k = 0; k < length; ++k) {
        part[size(k)] = static_cast<float>(left_(r, begin + k));
      }
      scale(r, begin / group_) = best_scale(format_, part, options_.clip);
    }
  }

  void round_column(Index i, MatrixXd& errors, Index begin) {
    const Index column = order_[size(i)];
    for (Index r = 0; r < rows_; ++r) {
      const GroupScale s = scale(r, column / group_);
      const double wanted = factor_.dead[size(i)] ? 0.0 : left_(r, i);
      const int code = code_of(format_, s, static_cast<float>(wanted));
      rounded_.codes[size(r * columns_ + column)] = code;
      errors(r, i - begin) =
          factor_.dead[size(i)] ? 0.0 : (wanted - value_of(s, code)) / factor_.upper(i, i);
    }
  }

  IntegerFormat format_;
  RoundingOptions options_;
  Index rows_, columns_, group_, groups_;
  std::vector<Index> order_;  // position -> column
  Factor factor_;
  MatrixXd left_;  // weights still to round, in order
  RoundedMatrix rounded_;
};

}  // namespace

RoundedMatrix round_by_gptq(const IntegerFormat& format, Shape shape,
                            std::span<const float> weights, const InputStatistics& inputs,
                            const RoundingOptions& options) {
  return Gptq(format, shape, weights, inputs, options).run();
}

}  // namespace joulesim::models
