//! About how long a body is: what putting it together costs.

use super::{Body, MultipleBody, NumberAnswer, NumericBody, PartBody, ShortTextBody, SingleBody};

impl Body {
    /// About how long it is, in bytes.
    pub(in super::super) fn length(&self) -> usize {
        match self {
            Self::Single(body) => body.length(),
            Self::Multiple(body) => body.length(),
            Self::Numeric(body) => body.length(),
            Self::ShortText(body) => body.length(),
            Self::Matching(body) => {
                let pairs = body.pairs.iter().map(|pair| pair.prompt.len() + pair.partner.len());
                pairs.sum::<usize>() + body.distractors.iter().map(String::len).sum::<usize>()
            }
            Self::Ordering(body) => body.items.iter().map(String::len).sum(),
            Self::Cloze(body) => body.parts.iter().map(|part| part.body.length()).sum(),
            Self::TrueFalse(_) | Self::Essay(_) | Self::File(_) => 0,
        }
    }

    /// How many patterns its answers are matched with.
    pub(in super::super) fn patterns(&self) -> u64 {
        let count: usize = match self {
            Self::ShortText(body) => body.patterns(),
            Self::Cloze(body) => body.parts.iter().map(|part| part.body.patterns()).sum(),
            _ => 0,
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

impl PartBody {
    fn patterns(&self) -> usize {
        match self {
            Self::ShortText(body) => body.patterns(),
            _ => 0,
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Single(body) => body.length(),
            Self::Multiple(body) => body.length(),
            Self::Numeric(body) => body.length(),
            Self::ShortText(body) => body.length(),
        }
    }
}

impl SingleBody {
    fn length(&self) -> usize {
        self.choices.iter().map(|choice| choice.text.len()).sum()
    }
}

impl MultipleBody {
    fn length(&self) -> usize {
        self.choices.iter().map(|choice| choice.text.len()).sum()
    }
}

impl NumericBody {
    /// Formulas are read, which costs more than to copy a text.
    fn length(&self) -> usize {
        let formulas = |answer: &NumberAnswer| -> usize {
            let all = [&answer.value, &answer.tolerance, &answer.min, &answer.max];
            all.into_iter().flatten().map(|formula| 100 + 10 * formula.0.len()).sum()
        };
        self.accepted.iter().map(formulas).sum()
    }
}

impl ShortTextBody {
    fn patterns(&self) -> usize {
        self.accepted.iter().filter(|answer| answer.pattern.is_some()).count()
    }

    fn length(&self) -> usize {
        self.accepted.iter().map(|answer| answer.text.len()).sum()
    }
}
